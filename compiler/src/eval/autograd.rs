//! `torch.autograd.Function`: `apply` runs its `forward`; what it saves for the backward pass does
//! not matter for shapes.

use std::rc::Rc;

use super::builtins::native;
use super::error::{Eval, attribute_error};
use super::interpreter::Interpreter;
use super::native::{Args, Native};
use super::object::Class;
use super::value::{Value, Wrapper};

static APPLY: Native = native("Function.apply", "cls, *args, **kwargs", apply);

const CONTEXT_METHODS: &[Native] = &[
    native("save_for_backward", "self, *args", |_, args| {
        if let Value::Instance(context) = args.value("self") {
            context.set("saved_tensors", Value::tuple(args.rest.clone()));
        }
        Ok(Value::None)
    }),
    native("mark_dirty", "self, *args", |_, _| Ok(Value::None)),
    native("mark_non_differentiable", "self, *args", |_, _| Ok(Value::None)),
    native("set_materialize_grads", "self, value", |_, _| Ok(Value::None)),
];

impl Interpreter<'_> {
    /// The class to derive from.
    pub(crate) fn autograd_class(&mut self) -> Rc<Class> {
        let class = self.native_class("Function", Vec::new(), &[], None, None);
        let method = Value::Wrapper(Rc::new(Wrapper::Class(Value::Native(&APPLY))));
        class.attributes.borrow_mut().insert("apply".into(), method);
        class
    }
}

fn apply(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Class(class) = args.value("cls") else {
        return Err(attribute_error("apply needs a class"));
    };
    let forward = interpreter.attribute(&Value::Class(Rc::clone(&class)), "forward")?;
    let context = interpreter.native_class("Context", Vec::new(), CONTEXT_METHODS, None, None);
    let mut values = vec![Value::Instance(interpreter.new_instance(&context)?)];
    values.extend(args.rest.iter().cloned());
    interpreter.call_values(&forward, values)
}
