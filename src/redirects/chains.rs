//! Where redirects end: chains are followed to their end, and circles found.

use super::address::Target;
use std::collections::{HashMap, HashSet};

/// Redirects by their sources.
#[derive(Debug, Default)]
pub struct Chains {
    steps: HashMap<String, Target>,
    /// Where each ends, as far as it was asked; `None` where it goes round in circles.
    ends: HashMap<String, Option<Target>>,
}

impl Chains {
    /// Adds a redirect, before anything is asked. The first one counts.
    pub fn add(&mut self, source: &str, target: Target) {
        self.steps.entry(source.to_owned()).or_insert(target);
    }

    /// Where one ends up who goes to `target`; `None` where that is nowhere.
    pub fn end(&mut self, target: &Target) -> Option<Target> {
        match target.path().filter(|path| self.steps.contains_key(*path)) {
            Some(path) => self.end_of(path).map(|end| target.onward(&end)),
            None => Some(target.clone()),
        }
    }

    fn end_of(&mut self, source: &str) -> Option<Target> {
        let mut way: Vec<(String, Target)> = Vec::new();
        let mut seen = HashSet::new();
        let mut here = source.to_owned();
        let mut end = loop {
            if let Some(known) = self.ends.get(&here) {
                break known.clone();
            }
            let target = self.steps.get(&here)?.clone();
            if !seen.insert(here.clone()) {
                break None;
            }
            match target.path().filter(|path| self.steps.contains_key(*path)).map(str::to_owned) {
                Some(next) => way.push((std::mem::replace(&mut here, next), target)),
                None => {
                    self.ends.insert(here, Some(target.clone()));
                    break Some(target);
                }
            }
        };
        for (source, target) in way.into_iter().rev() {
            end = end.map(|end| target.onward(&end));
            self.ends.insert(source, end.clone());
        }
        end
    }

    /// The first steps from a source, for people.
    pub fn way(&self, source: &str) -> String {
        let mut way = vec![source];
        while let Some(next) = way.last().and_then(|here| self.steps.get(*here)).and_then(Target::path)
            && way.len() < 5
        {
            way.push(next);
            if way.iter().filter(|path| **path == next).count() > 1 {
                break;
            }
        }
        way.join(" → ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Chains, Target};

    fn target(text: &str) -> Target {
        Target::parse(text.into()).unwrap()
    }

    fn chains(steps: &[(&str, &str)]) -> Chains {
        let mut chains = Chains::default();
        steps.iter().for_each(|(source, to)| chains.add(source, target(to)));
        chains
    }

    #[test]
    fn a_chain_is_followed_to_its_end() {
        let mut chains = chains(&[("/a", "/b?q"), ("/b", "/c#f"), ("/c", "https://d.example/"), ("/x", "/y")]);
        let end = Some(target("https://d.example/?q#f"));
        assert_eq!(chains.end(&target("/a")), end);
        assert_eq!(chains.end(&target("/b?r")), Some(target("https://d.example/?r#f")));
        assert_eq!(chains.end(&target("/x")), Some(target("/y")));
        assert_eq!(chains.end(&target("/z")), Some(target("/z")));
    }

    #[test]
    fn circles_end_nowhere() {
        let mut chains = chains(&[("/a", "/a?again"), ("/b", "/c"), ("/c", "/d"), ("/d", "/c"), ("/e", "/f")]);
        for path in ["/a", "/b", "/c", "/d"] {
            assert_eq!(chains.end(&target(path)), None, "{path}");
        }
        assert_eq!(chains.end(&target("/e")), Some(target("/f")));
        assert_eq!(chains.way("/b"), "/b → /c → /d → /c");
        assert_eq!(chains.way("/a"), "/a → /a");
    }

    #[test]
    fn a_long_chain_is_walked_once() {
        let mut chains = Chains::default();
        for number in 0..100_000 {
            chains.add(&format!("/{number}"), target(&format!("/{}", number + 1)));
        }
        for number in (0..100_000).rev() {
            assert_eq!(chains.end(&target(&format!("/{number}"))), Some(target("/100000")));
        }
    }
}
