//! Templates, made ready once: reading one costs more than writing a text by it, and a rack asks by the same one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use minijinja::{Environment, Error, Template, UndefinedBehavior, syntax::SyntaxConfig};

/// Steps that one template may take: plenty for any seed, little for a loop that never ends.
const FUEL: u64 = 1_000_000;

/// How many templates are kept, and how many bytes of text they have at most: a few for each profile of a site.
const MOST: (usize, usize) = (256, 2 * 1024 * 1024);

/// What the only template of an environment is called; nobody can see it.
const NAME: &str = "";

/// What all templates have in common. Making it costs more than rendering a kernel's command line.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    // Only delimiters of its own can make a syntax wrong.
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
});

static KEPT: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

/// A template that is ready.
#[derive(Clone)]
pub(crate) struct Compiled(Arc<Environment<'static>>);

impl Compiled {
    pub(crate) fn get(&self) -> Result<Template<'_, '_>, Error> {
        self.0.get_template(NAME)
    }
}

/// The templates by their texts, so none is ever out of date.
#[derive(Default)]
struct Table {
    by_text: HashMap<Arc<str>, Compiled>,
    bytes: usize,
}

impl Table {
    fn keep(&mut self, text: &str, compiled: &Compiled) {
        if self.by_text.len() >= MOST.0 || self.bytes + text.len() > MOST.1 {
            *self = Self::default();
        }
        if self.by_text.insert(text.into(), compiled.clone()).is_none() {
            self.bytes += text.len();
        }
    }
}

/// The template with this text.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn compiled(text: &str) -> Result<Compiled, Error> {
    // Every change of the table is whole.
    let table = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = table().by_text.get(text) {
        return Ok(compiled.clone());
    }
    let mut environment = ENVIRONMENT.clone();
    environment.add_template_owned(NAME, text.to_owned())?;
    let compiled = Compiled(Arc::new(environment));
    table().keep(text, &compiled);
    Ok(compiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_by_their_whole_text() {
        for _ in 0..2 {
            for (text, expected) in [("{{ 1 }}", "1"), ("{{ 2 }}", "2")] {
                assert_eq!(compiled(text).unwrap().get().unwrap().render(()).unwrap(), expected);
            }
            assert!(compiled("{{ 1").is_err());
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let mut table = Table::default();
        let ready = compiled("{{ 1 }}").unwrap();
        for at in 0..2 * MOST.0 + 1 {
            table.keep(&format!("{at}"), &ready);
        }
        assert_eq!(table.by_text.len(), 1);
        table = Table::default();
        let large = "x".repeat(MOST.1 / 2 + 1);
        for at in 0..3 {
            table.keep(&format!("{large}{at}"), &ready);
            assert_eq!(table.by_text.len(), 1);
            assert_eq!(table.bytes, large.len() + 1);
        }
    }
}
