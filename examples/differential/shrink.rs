//! From a difference to the smallest case that still shows it.
//!
//! In: a case whose answers differ. Out: a smaller one whose answers differ in the same way (both with rows, or one with an
//! error …). First the statement loses parts while the points stay; then points, changes and whole fields and tags go while the
//! statement stays; then the statement once more. The database is left in the state of the smallest case.

use crate::case::{Case, Step};
use crate::compare::{Content, content_of};
use crate::servers::{Pair, Servers};
use crate::verdict::{Judge, Verdict};
use std::time::{Duration, Instant};

/// How long one difference is worked on.
const SHRINK_TIME: Duration = Duration::from_secs(45);

/// Shrinks `case`. `None` when its answers do not differ once more: they depend on something else. When `is_known` knows the
/// statement after its first shrinking, points are left as they are.
pub(crate) fn shrink(
    servers: &Servers,
    judge: &Judge,
    case: &Case,
    is_known: &dyn Fn(&Case) -> bool,
) -> Result<Option<(Case, Pair)>, String> {
    case.prepare(servers)?;
    let pair = case.ask(servers)?;
    if judge.verdict(case, &pair) != Verdict::Different {
        return Ok(None);
    }
    let mut work = Work {
        servers,
        judge,
        sides: sides(&pair),
        end: Instant::now() + SHRINK_TIME,
        best: case.clone(),
        pair,
    };
    work.statement()?;
    if is_known(&work.best) {
        return Ok(Some((work.best, work.pair)));
    }
    work.steps()?;
    work.columns()?;
    work.statement()?;
    work.steps()?;
    work.best.prepare(servers)?;
    Ok(Some((work.best, work.pair)))
}

fn sides(pair: &Pair) -> (Content, Content) {
    (content_of(&pair.oracle), content_of(&pair.ours))
}

struct Work<'a> {
    servers: &'a Servers,
    judge: &'a Judge,
    /// What each side answers: a smaller case of another kind is another difference.
    sides: (Content, Content),
    end: Instant,
    best: Case,
    pair: Pair,
}

impl Work<'_> {
    /// Takes `case` if its answers still differ. With `is_prepared`, the database already is in its state.
    fn accept(&mut self, case: Case, is_prepared: bool) -> Result<bool, String> {
        if !is_prepared && case.prepare(self.servers).is_err() {
            return Ok(false);
        }
        let pair = case.ask(self.servers)?;
        let differs = self.judge.verdict(&case, &pair) == Verdict::Different && sides(&pair) == self.sides;
        if differs {
            (self.best, self.pair) = (case, pair);
        }
        Ok(differs)
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.end
    }

    /// Takes away parts of the statement until none can go.
    fn statement(&mut self) -> Result<(), String> {
        let changes_data = {
            let text = self.best.statement.to_string();
            !(text.starts_with("SELECT") || text.starts_with("SHOW")) || text.contains(" INTO ")
        };
        self.best.prepare(self.servers)?;
        'again: loop {
            for statement in self.best.statement.smaller() {
                if self.is_over() {
                    return Ok(());
                }
                let case = Case { statement, ..self.best.clone() };
                if self.accept(case, !changes_data)? {
                    continue 'again;
                }
            }
            return Ok(());
        }
    }

    /// Takes away changes and points.
    fn steps(&mut self) -> Result<(), String> {
        let mut number = self.best.steps.len();
        while number > 0 {
            number -= 1;
            if matches!(self.best.steps.get(number), Some(Step::Change(_) | Step::Flush)) && !self.is_over() {
                let mut case = self.best.clone();
                case.steps.remove(number);
                self.accept(case, false)?;
            }
        }
        for number in 0..self.best.steps.len() {
            self.points(number)?;
        }
        Ok(())
    }

    /// Takes away halves, quarters … and single points of one write.
    fn points(&mut self, number: usize) -> Result<(), String> {
        let count = |case: &Case| match &case.steps[number] {
            Step::Write(points) => points.len(),
            Step::Flush | Step::Change(_) => 0,
        };
        let mut size = count(&self.best).div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < count(&self.best) && !self.is_over() {
                let mut case = self.best.clone();
                if let Step::Write(points) = &mut case.steps[number] {
                    let end = points.len().min(start + size);
                    points.drain(start..end);
                }
                if !self.accept(case, false)? {
                    start += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        Ok(())
    }

    /// Takes away fields and tags from all points.
    fn columns(&mut self) -> Result<(), String> {
        let mut names: Vec<String> = Vec::new();
        for step in &self.best.steps {
            let Step::Write(points) = step else { continue };
            for point in points {
                names.extend(point.fields.iter().map(|(name, _)| name.clone()));
                names.extend(point.tags.iter().map(|(name, _)| name.clone()));
            }
        }
        names.sort();
        names.dedup();
        for name in names {
            if self.is_over() {
                return Ok(());
            }
            let mut case = self.best.clone();
            for step in &mut case.steps {
                let Step::Write(points) = step else { continue };
                for point in points.iter_mut() {
                    point.tags.retain(|(tag, _)| *tag != name);
                    point.fields.retain(|(field, _)| *field != name);
                }
                points.retain(|point| !point.fields.is_empty());
            }
            self.accept(case, false)?;
        }
        Ok(())
    }
}
