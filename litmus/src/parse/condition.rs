//! What a test asks about the final state.

use super::{Parser, Result};
use crate::lex::Token;
use crate::program::Condition;

impl Parser<'_> {
    /// `exists` and what is asked for.
    pub(super) fn exists(&mut self) -> Result<Condition> {
        if !self.take_name("exists") {
            return self.error("no `exists`");
        }
        let condition = self.either()?;
        if self.peek().is_some() { self.error("something behind the end") } else { Ok(condition) }
    }

    fn either(&mut self) -> Result<Condition> {
        let mut condition = self.both()?;
        while self.take("\\/") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition> {
        let mut condition = self.fact()?;
        while self.take("/\\") {
            condition = Condition::And(Box::new(condition), Box::new(self.fact()?));
        }
        Ok(condition)
    }

    fn fact(&mut self) -> Result<Condition> {
        if self.take("~") {
            return Ok(Condition::Not(Box::new(self.fact()?)));
        }
        if self.take("(") {
            let condition = self.either()?;
            self.expect(")")?;
            return Ok(condition);
        }
        if matches!(self.peek(), Some(Token::Number(_))) {
            let thread = usize::try_from(self.number()?).expect("it has no sign");
            if thread >= self.test.threads.len() {
                return self.error(&format!("there is no thread {thread}"));
            }
            self.thread = thread;
            self.expect(":")?;
            let name = self.name()?;
            let register = self.register(&name)?;
            let (is_equal, value) = self.comparison()?;
            return Ok(Condition::Register { thread, register, value, is_equal });
        }
        let name = self.name()?;
        let Some(place) = self.test.places.iter().position(|place| *place == name) else {
            return self.error(&format!("there is no `{name}`"));
        };
        let (is_equal, value) = self.comparison()?;
        Ok(Condition::Place { place, value, is_equal })
    }

    fn comparison(&mut self) -> Result<(bool, i64)> {
        let is_equal = self.take("=");
        if !is_equal {
            self.expect("!=")?;
        }
        Ok((is_equal, self.number()?))
    }
}
