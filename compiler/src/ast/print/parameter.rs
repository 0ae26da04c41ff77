//! Parameters of functions and lambdas, and arguments of calls.

use super::Printer;
use crate::ast::{Expr, ExprKind, Keyword, Parameter, Parameters};

impl Printer {
    /// All parameters in the order that Python wants, with the marks between their kinds.
    pub(super) fn parameters(&mut self, params: &Parameters) {
        let mut first = true;
        for parameter in &params.positional_only {
            self.parameter("", parameter, &mut first);
        }
        if !params.positional_only.is_empty() {
            self.mark("/", &mut first);
        }
        for parameter in &params.regular {
            self.parameter("", parameter, &mut first);
        }
        match &params.var_args {
            Some(parameter) => self.parameter("*", parameter, &mut first),
            None if !params.keyword_only.is_empty() => self.mark("*", &mut first),
            None => {}
        }
        for parameter in &params.keyword_only {
            self.parameter("", parameter, &mut first);
        }
        if let Some(parameter) = &params.var_kwargs {
            self.parameter("**", parameter, &mut first);
        }
    }

    fn mark(&mut self, mark: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.push(", ");
        }
        self.push(mark);
    }

    fn parameter(&mut self, stars: &str, parameter: &Parameter, first: &mut bool) {
        self.mark(stars, first);
        self.push(&parameter.name);
        if let Some(annotation) = &parameter.annotation {
            self.push(": ");
            self.item(annotation);
        }
        if let Some(default) = &parameter.default {
            self.push(if parameter.annotation.is_some() { " = " } else { "=" });
            self.test(default);
        }
    }

    /// Positional arguments first: their order among keywords is not in the tree. A generator that
    /// is the only argument needs no parentheses of its own.
    pub(super) fn arguments(&mut self, args: &[Expr], keywords: &[Keyword]) {
        if let ([only], []) = (args, keywords)
            && let ExprKind::GeneratorExp { element, clauses } = &*only.kind
        {
            return self.comprehension(element, clauses);
        }
        self.separated(args, Self::item);
        if !(args.is_empty() || keywords.is_empty()) {
            self.push(", ");
        }
        self.separated(keywords, |printer, keyword| {
            match &keyword.name {
                Some(name) => {
                    printer.push(name);
                    printer.push("=");
                }
                None => printer.push("**"),
            }
            printer.test(&keyword.value);
        });
    }
}
