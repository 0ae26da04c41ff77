//! Sequential, ModuleList, ModuleDict.

use std::rc::Rc;

use crate::ast::Name;
use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, raise, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::item::{out_of_range, position, slice_indices};
use crate::eval::library::Layer;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::object::{Instance, ModuleState};
use crate::eval::value::Value;

use super::module::{not_a_module, refuse_clash};
use super::{start, this};

/// Layers that hold layers.
pub(crate) const CONTAINERS: &[Layer] = &[
    Layer { name: "Sequential", base: "Module", methods: SEQUENTIAL },
    Layer { name: "ModuleList", base: "Module", methods: LIST },
    Layer { name: "ModuleDict", base: "Module", methods: DICT },
];

const SEQUENTIAL: &[Native] = &[
    native("Sequential.__init__", "self, *args", sequential_init),
    native("Sequential.forward", "self, *args", sequential_forward),
    native("Sequential.append", "self, module", append),
    native("Sequential.extend", "self, modules", extend),
    native("Sequential.insert", "self, index, module", insert),
    native("Sequential.__len__", "self", length),
    native("Sequential.__iter__", "self", iterate),
    native("Sequential.__getitem__", "self, index", get_item),
    native("Sequential.__setitem__", "self, index, module", set_item),
    native("Sequential.__delitem__", "self, index", delete_item),
];

const LIST: &[Native] = &[
    native("ModuleList.__init__", "self, modules=None", list_init),
    native("ModuleList.append", "self, module", append),
    native("ModuleList.extend", "self, modules", extend),
    native("ModuleList.insert", "self, index, module", insert),
    native("ModuleList.__add__", "self, other", list_add),
    native("ModuleList.__iadd__", "self, modules", |interpreter, args| {
        extend(interpreter, args)?;
        Ok(args.value("self"))
    }),
    native("ModuleList.__len__", "self", length),
    native("ModuleList.__iter__", "self", iterate),
    native("ModuleList.__getitem__", "self, index", get_item),
    native("ModuleList.__setitem__", "self, index, module", set_item),
    native("ModuleList.__delitem__", "self, index", delete_item),
];

const DICT: &[Native] = &[
    native("ModuleDict.__init__", "self, modules=None", dict_init),
    native("ModuleDict.update", "self, modules", dict_update),
    native("ModuleDict.__len__", "self", length),
    native("ModuleDict.__iter__", "self", dict_keys),
    native("ModuleDict.keys", "self", dict_keys),
    native("ModuleDict.values", "self", iterate),
    native("ModuleDict.items", "self", dict_items),
    native("ModuleDict.__getitem__", "self, key", dict_get),
    native("ModuleDict.__setitem__", "self, key, module", dict_set),
    native("ModuleDict.__contains__", "self, key", |_, args| {
        let name = args.string("key")?;
        Ok(Value::Bool(entries(&*this(args)?).iter().any(|(known, _)| *known == name)))
    }),
    native("ModuleDict.pop", "self, key", |_, args| {
        let name = args.string("key")?;
        let module = this(args)?;
        let removed = module.module.borrow_mut().as_mut().and_then(|s| s.modules.remove(&*name));
        removed.ok_or_else(|| raise(Mistake::UnknownKey, "KeyError", format!("'{name}'")))
    }),
];

/// Names and modules in order; absent ones included.
fn entries(module: &Instance) -> Vec<(Name, Value)> {
    let state = module.module.borrow();
    let Some(state) = state.as_ref() else { return Vec::new() };
    state.modules.iter().map(|(name, value)| (Name::clone(name), value.clone())).collect()
}

fn check_module(value: &Value) -> Eval<()> {
    if value.module().is_some() || value.is_none() || value.is_unknown() {
        return Ok(());
    }
    Err(not_a_module(value))
}

/// Registers modules under new names.
fn put(module: &Instance, name: Name, child: Value) -> Eval<()> {
    check_module(&child)?;
    refuse_clash(module, &name, |state| state.modules.contains_key(&name))?;
    let mut state = module.module.borrow_mut();
    state.get_or_insert_with(ModuleState::default).modules.insert(name, child);
    Ok(())
}

fn put_numbered(module: &Instance, children: Vec<Value>) -> Eval<()> {
    let first = entries(module).len();
    for (offset, child) in children.into_iter().enumerate() {
        put(module, Name::from((first + offset).to_string()), child)?;
    }
    Ok(())
}

/// Registers children anew as `0`, `1`, ...
fn renumber(module: &Instance, children: Vec<Value>) -> Eval<()> {
    if let Some(state) = module.module.borrow_mut().as_mut() {
        state.modules.clear();
    }
    put_numbered(module, children)
}

/// `modules + others`: a new list.
fn list_add(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut children = interpreter.collect(&args.value("self"))?;
    children.extend(interpreter.collect(&args.value("other"))?);
    let Some(class) = interpreter.layer_class("ModuleList") else { return Ok(Value::Unknown) };
    interpreter.instantiate(&class, CallArgs::positional(vec![Value::list(children)]))
}

fn sequential_init(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    interpreter.fuel.allocate(args.rest.len())?;
    if let [Value::Dict(_)] = args.rest.as_slice() {
        let only = args.rest.first().cloned().unwrap_or(Value::None);
        for (name, child) in interpreter.mapping_items(&only)? {
            let name = name.as_str().ok_or_else(|| type_error("module name should be a string"))?;
            put(&module, name, child)?;
        }
        return Ok(Value::None);
    }
    for child in &args.rest {
        if matches!(child, Value::List(_) | Value::Tuple(_) | Value::Iterator(_)) {
            return Err(not_a_module(child).help("spread the list: `nn.Sequential(*layers)`"));
        }
    }
    put_numbered(&module, args.rest.clone())?;
    Ok(Value::None)
}

fn sequential_forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut values = args.rest.clone();
    for (_, child) in entries(&*this(args)?) {
        let result = interpreter.call(&child, CallArgs::positional(values))?;
        values = vec![result];
    }
    values.into_iter().next().ok_or_else(|| {
        type_error("Sequential.forward() missing 1 required positional argument: 'input'")
    })
}

fn append(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    put_numbered(&*this(args)?, vec![args.value("module")])?;
    Ok(args.value("self"))
}

fn extend(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let children = interpreter.collect(&args.value("modules"))?;
    put_numbered(&*this(args)?, children)?;
    Ok(args.value("self"))
}

fn insert(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let mut children: Vec<Value> = entries(&module).into_iter().map(|(_, child)| child).collect();
    let length = children.len() as i128;
    let index = args.int("index")?;
    let index = if index < 0 { index + length } else { index }.clamp(0, length);
    children.insert(usize::try_from(index).unwrap_or(0), args.value("module"));
    renumber(&module, children)?;
    Ok(args.value("self"))
}

fn length(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Int(entries(&*this(args)?).len() as i128))
}

fn iterate(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::items(entries(&*this(args)?).into_iter().map(|(_, child)| child).collect()))
}

fn get_item(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let children = entries(&module);
    match args.value("index") {
        Value::Slice(parts) => {
            let picked = slice_indices(&parts, children.len())?;
            let picked: Vec<(Name, Value)> =
                picked.into_iter().filter_map(|index| children.get(index).cloned()).collect();
            same_kind(interpreter, &module, picked)
        }
        _ => match position(args.int("index")?, children.len()) {
            Some(position) => {
                Ok(children.get(position).map_or(Value::None, |(_, child)| child.clone()))
            }
            None => Err(raise(
                Mistake::IndexOutOfRange,
                "IndexError",
                format!("index {} is out of range", args.int("index")?),
            )
            .help(format!("it holds {} modules, counted from 0", children.len()))),
        },
    }
}

/// A container of the same kind with some of the children; a Sequential keeps their names.
fn same_kind(
    interpreter: &mut Interpreter<'_>,
    module: &Rc<Instance>,
    children: Vec<(Name, Value)>,
) -> Eval<Value> {
    let kind = if module.class.is_native("Sequential") { "Sequential" } else { "ModuleList" };
    let Some(class) = interpreter.layer_class(kind) else { return Ok(Value::Unknown) };
    let container = interpreter.new_instance(&class)?;
    start(&container);
    if kind == "Sequential" {
        for (name, child) in children {
            put(&container, name, child)?;
        }
    } else {
        put_numbered(&container, children.into_iter().map(|(_, child)| child).collect())?;
    }
    Ok(Value::Instance(container))
}

fn set_item(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let children = entries(&module);
    match position(args.int("index")?, children.len()).and_then(|index| children.get(index)) {
        Some((name, _)) => put(&module, Name::clone(name), args.value("module"))?,
        None => return Err(out_of_range("module list", children.len())),
    }
    Ok(Value::None)
}

fn delete_item(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let mut children: Vec<Value> = entries(&module).into_iter().map(|(_, child)| child).collect();
    let mut removed = match args.value("index") {
        Value::Slice(parts) => slice_indices(&parts, children.len())?,
        _ => match position(args.int("index")?, children.len()) {
            Some(position) => vec![position],
            None => return Err(out_of_range("module list", children.len())),
        },
    };
    removed.sort_unstable();
    for index in removed.into_iter().rev() {
        children.remove(index);
    }
    renumber(&module, children)?;
    Ok(Value::None)
}

fn list_init(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    if !args.value("modules").is_none() {
        let children = interpreter.collect(&args.value("modules"))?;
        put_numbered(&module, children)?;
    }
    Ok(Value::None)
}

fn dict_init(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    start(&*this(args)?);
    if args.value("modules").is_none() {
        return Ok(Value::None);
    }
    dict_update(interpreter, args)
}

fn dict_update(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let pairs = crate::eval::builtins::pairs_of(interpreter, &args.value("modules"))?;
    for (name, child) in pairs {
        let name = name.as_str().ok_or_else(|| type_error("module name should be a string"))?;
        put(&module, name, child)?;
    }
    Ok(Value::None)
}

fn dict_keys(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let names = entries(&*this(args)?).into_iter().map(|(name, _)| Value::Str(name));
    Ok(Value::items(names.collect()))
}

fn dict_items(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let pairs = entries(&*this(args)?).into_iter();
    let pairs = pairs.map(|(name, child)| Value::tuple(vec![Value::Str(name), child]));
    Ok(Value::items(pairs.collect()))
}

fn dict_get(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.string("key")?;
    let children = entries(&*this(args)?);
    let found = children.into_iter().find(|(known, _)| *known == name);
    found
        .map(|(_, child)| child)
        .ok_or_else(|| raise(Mistake::UnknownKey, "KeyError", format!("'{name}'")))
}

fn dict_set(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    put(&*this(args)?, args.string("key")?, args.value("module"))?;
    Ok(Value::None)
}
