//! Finds a slug that is free, where the client left the choice to us.

use crate::{
    db::{Conn, lock},
    error::Result,
    values::Slug,
};

/// `wanted`, or the same with a number behind it that is not taken.
pub fn free(conn: &mut Conn, wanted: Slug, is_taken: impl Fn(&mut Conn, &Slug) -> Result<bool>) -> Result<Slug> {
    if !is_taken(conn, &wanted)? {
        return Ok(wanted);
    }
    // Of many who look for a number at once each would find the same one.
    lock::name(conn, wanted.as_ref())?;
    next_free(wanted, |slug| is_taken(conn, slug))
}

/// The next number for a slug that is taken. A thousand articles of one title cost ten looks.
fn next_free(wanted: Slug, mut is_taken: impl FnMut(&Slug) -> Result<bool>) -> Result<Slug> {
    // The last number known to be taken (the slug itself counts as 1), and the first known to be free.
    let (mut taken, mut free) = (1, 2);
    while is_taken(&wanted.numbered(free))? {
        (taken, free) = (free, free * 2);
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(&wanted.numbered(middle))? { taken = middle } else { free = middle }
    }
    Ok(wanted.numbered(free))
}

#[cfg(test)]
mod tests {
    use super::next_free;
    use crate::values::Slug;

    #[test]
    fn a_taken_slug_gets_the_next_number() {
        let slug = |text: &str| Slug::parse(text.into()).unwrap();
        let choose = |taken: &[&str]| next_free(slug("tide"), |s| Ok(taken.contains(&s.as_ref()))).unwrap();
        assert_eq!(choose(&["tide"]), slug("tide-2"));
        assert_eq!(choose(&["tide", "tide-2", "tide-3"]), slug("tide-4"));
    }

    #[test]
    fn many_of_one_title_cost_few_looks() {
        let mut looks = 0;
        let number = |s: &Slug| s.as_ref().strip_prefix("tide").unwrap().trim_start_matches('-').parse().unwrap_or(1);
        let found = next_free(Slug::parse("tide".into()).unwrap(), |s| {
            looks += 1;
            Ok(number(s) <= 1000)
        });
        assert_eq!(found.unwrap().as_ref(), "tide-1001");
        assert!(looks <= 22, "{looks}");
    }
}
