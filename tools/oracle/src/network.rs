//! A line of `networks.jsonl`: a public network and what PyTorch says of it.

use serde::Deserialize;
use serde_json::Value;

/// A network with PyTorch's figures.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// Source, file and expression in one.
    pub id: String,
    pub source: Package,
    /// The expression that makes it.
    pub expr: String,
    pub run: Run,
    /// Shape of the input, batch first.
    pub input: Vec<u64>,
    pub params_total: u64,
    pub params_trainable: u64,
    pub buffer_elements: u64,
    /// A shape, or shapes in lists and dicts.
    pub output: Value,
    pub macs_aten_total: u64,
    /// Figures of other tools, by their names.
    pub counters: std::collections::BTreeMap<String, Value>,
}

/// A package of PyPI.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    pub package: String,
    pub version: String,
}

/// How the network comes to be.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// The statement before the expression.
    pub import: String,
}

impl Network {
    /// The folder of its unpacked package.
    #[must_use]
    pub fn folder(&self) -> String {
        self.source.package.replace('-', "_")
    }

    /// The shapes of all results, in order.
    #[must_use]
    pub fn outputs(&self) -> Vec<Vec<u64>> {
        let mut shapes = Vec::new();
        collect(&self.output, &mut shapes);
        shapes
    }
}

fn collect(value: &Value, shapes: &mut Vec<Vec<u64>>) {
    match value {
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            shapes.push(items.iter().filter_map(Value::as_u64).collect());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, shapes)),
        Value::Object(entries) => entries.values().for_each(|item| collect(item, shapes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
