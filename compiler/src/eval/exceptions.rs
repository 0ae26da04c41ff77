//! Python's exception classes, as far as networks raise or catch them.

use std::rc::Rc;

use super::error::{Eval, Mistake, refuse};
use super::interpreter::Interpreter;
use super::object::Class;

/// Class and base.
const HIERARCHY: &[(&str, &str)] = &[
    ("BaseException", "object"),
    ("Exception", "BaseException"),
    ("KeyboardInterrupt", "BaseException"),
    ("SystemExit", "BaseException"),
    ("ArithmeticError", "Exception"),
    ("ZeroDivisionError", "ArithmeticError"),
    ("OverflowError", "ArithmeticError"),
    ("AssertionError", "Exception"),
    ("AttributeError", "Exception"),
    ("ImportError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("LookupError", "Exception"),
    ("IndexError", "LookupError"),
    ("KeyError", "LookupError"),
    ("NameError", "Exception"),
    ("UnboundLocalError", "NameError"),
    ("OSError", "Exception"),
    ("FileNotFoundError", "OSError"),
    ("RuntimeError", "Exception"),
    ("NotImplementedError", "RuntimeError"),
    ("RecursionError", "RuntimeError"),
    ("StopIteration", "Exception"),
    ("TypeError", "Exception"),
    ("ValueError", "Exception"),
    ("Warning", "Exception"),
    ("UserWarning", "Warning"),
    ("DeprecationWarning", "Warning"),
    ("FutureWarning", "Warning"),
    ("RuntimeWarning", "Warning"),
];

/// The name of an exception class as a constant, if there is one.
pub(crate) fn static_name(name: &str) -> Option<&'static str> {
    HIERARCHY.iter().map(|(class, _)| *class).find(|class| *class == name)
}

/// Names of all exception classes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    HIERARCHY.iter().map(|(class, _)| *class)
}

impl Interpreter<'_> {
    /// The class of this name.
    pub(crate) fn exception_class(&mut self, name: &str) -> Eval<Rc<Class>> {
        let Some((name, base)) = HIERARCHY.iter().copied().find(|(class, _)| *class == name) else {
            return Err(refuse(Mistake::UnsupportedSyntax, format!("nasc does not know {name}")));
        };
        if let Some(class) = self.native_classes.get(name) {
            return Ok(Rc::clone(class));
        }
        let bases = match base {
            "object" => vec![self.object_class()],
            base => vec![self.exception_class(base)?],
        };
        let methods =
            if name == "BaseException" { super::builtins::EXCEPTION_METHODS } else { &[] };
        Ok(self.native_class(name, bases, methods, None, None))
    }
}
