//! Reads grammars in llama.cpp's notation (GBNF) and derives random texts from them: literals,
//! character classes, rules, groups, alternatives and repetitions. No parser of texts.

use std::collections::BTreeMap;

/// Random numbers from a seed (SplitMix64, Steele et al. 2014).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// A number below a limit.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

enum Form {
    Text(String),
    Class(Vec<char>),
    Rule(String),
    Sequence(Vec<Form>),
    Choice(Vec<Form>),
    Repeat { form: Box<Form>, least: usize, most: usize },
}

/// The rules of a grammar by their names.
pub struct Grammar(BTreeMap<String, Form>);

impl Grammar {
    pub fn read(text: &str) -> Grammar {
        let lines = text.lines().map(str::trim);
        let rules = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| {
            let (name, form) = line.split_once("::=").unwrap();
            let characters: Vec<char> = form.chars().collect();
            let mut reader = Reader { characters, at: 0 };
            (name.trim().to_owned(), reader.choice())
        };
        Grammar(rules.map(read).collect())
    }

    /// A text of a rule.
    pub fn derive(&self, rule: &str, draw: &mut Draw) -> String {
        let mut text = String::new();
        self.write(&self.0[rule], draw, &mut text);
        text
    }

    fn write(&self, form: &Form, draw: &mut Draw, text: &mut String) {
        match form {
            Form::Text(literal) => text.push_str(literal),
            Form::Class(characters) => text.push(characters[draw.below(characters.len())]),
            Form::Rule(name) => self.write(&self.0[name], draw, text),
            Form::Sequence(forms) => forms.iter().for_each(|form| self.write(form, draw, text)),
            Form::Choice(forms) => self.write(&forms[draw.below(forms.len())], draw, text),
            Form::Repeat { form, least, most } => {
                for _ in 0..least + draw.below(most - least + 1) {
                    self.write(form, draw, text);
                }
            }
        }
    }
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> char {
        self.at += 1;
        self.characters[self.at - 1]
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn choice(&mut self) -> Form {
        let mut forms = vec![self.sequence()];
        while self.peek() == Some('|') {
            self.at += 1;
            forms.push(self.sequence());
        }
        Form::Choice(forms)
    }

    fn sequence(&mut self) -> Form {
        let mut forms = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some('|' | ')') => return Form::Sequence(forms),
                Some(_) => {
                    let form = self.one();
                    forms.push(self.repeated(form));
                }
            }
        }
    }

    fn one(&mut self) -> Form {
        match self.next() {
            '"' => Form::Text(self.until('"').into_iter().collect()),
            '[' => Form::Class(members(&self.until(']'))),
            '(' => {
                let form = self.choice();
                assert_eq!(self.next(), ')');
                form
            }
            first => {
                let mut name = String::from(first);
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
                    name.push(self.next());
                }
                Form::Rule(name)
            }
        }
    }

    /// The characters before an end, escapes resolved.
    fn until(&mut self, end: char) -> Vec<char> {
        let mut found = Vec::new();
        loop {
            match self.next() {
                character if character == end => return found,
                '\\' => found.push(match self.next() {
                    'n' => '\n',
                    other => other,
                }),
                character => found.push(character),
            }
        }
    }

    fn repeated(&mut self, form: Form) -> Form {
        let (least, most) = match self.peek() {
            Some('?') => (0, 1),
            Some('*') => (0, 6),
            Some('+') => (1, 7),
            Some('{') => {
                let end = self.characters[self.at..].iter().position(|&c| c == '}').unwrap();
                let bounds: String = self.characters[self.at + 1..self.at + end].iter().collect();
                self.at += end;
                let (least, most) = bounds.split_once(',').unwrap();
                (least.parse().unwrap(), most.parse().unwrap())
            }
            _ => return form,
        };
        self.at += 1;
        Form::Repeat { form: Box::new(form), least, most }
    }
}

/// The members of a class such as `a-z0-9_`.
fn members(class: &[char]) -> Vec<char> {
    let mut all = Vec::new();
    let mut rest = class;
    while let [first, behind @ ..] = rest {
        if let ['-', last, after @ ..] = behind {
            all.extend(*first..=*last);
            rest = after;
        } else {
            all.push(*first);
            rest = behind;
        }
    }
    all
}
