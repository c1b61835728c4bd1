//! A reader among writers: nothing is missed and nothing is told twice, in whatever order transactions end.

use super::{Copy, Follower, public, publish};
use crate::{
    on_both_databases,
    support::{Client, Kind, TestApp},
};
use actix_web::{http::Method, rt::time::sleep};
use futures_util::{
    future::{join, join_all},
    join,
};
use serde_json::json;
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use stet::permissions::Role;

const WRITERS: u64 = 8;
/// What each of them does.
const ACTS: usize = 30;

/// Makes what is noted linger before it is committed, on PostgreSQL: those that began later overtake it.
fn linger(app: &TestApp, which: &str, seconds: &str) {
    if app.kind() == Kind::Postgres {
        app.execute(&format!(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER linger AFTER INSERT OR UPDATE ON changes DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.sequence IS NULL AND {which}) EXECUTE FUNCTION linger()"
        ));
    }
}

/// Numbers by chance, the same for the same seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % sides
    }
}

/// Does one thing, by chance. Much of it is refused: the article is in the trash, or gone.
async fn act(client: &Client, dice: &mut Dice, articles: &RefCell<Vec<String>>, name: &str) {
    let id = {
        let all = articles.borrow();
        all[dice.throw(all.len())].clone()
    };
    let (path, publication) = (format!("/articles/{id}"), format!("/articles/{id}/publication"));
    let some = |dice: &mut Dice, kind: &str| format!("{kind}-{}", 1 + dice.throw(3));
    let reply = match dice.throw(16) {
        0 | 1 => {
            let article = json!({"title": name, "tags": [some(dice, "tag")], "authors": [some(dice, "author")]});
            let created = client.post("/articles", article).await;
            let id = created.assert(201).text("/id");
            articles.borrow_mut().push(id.clone());
            client.put(&format!("/articles/{id}/publication"), json!({})).await
        }
        2..=4 => {
            let changes = json!({"title": name, "tags": [some(dice, "tag"), some(dice, "tag")]});
            client.patch(&path, changes).await;
            client.put(&publication, json!({})).await
        }
        5 => client.delete(&publication).await,
        6 => client.delete(&path).await,
        7 | 8 => client.send(Method::POST, &format!("{path}/restore"), None).await,
        9 => client.delete(&format!("{path}?permanent=true")).await,
        10 => client.patch(&path, json!({"slug": format!("{name}-slug")})).await,
        11 => client.post(&format!("{path}/comments"), json!({"body": name})).await,
        12 => client.patch(&format!("/tags/{}", some(dice, "tag")), json!({"name": name})).await,
        13 => client.patch(&format!("/authors/{}", some(dice, "author")), json!({"name": name})).await,
        14 => {
            let parent = if dice.throw(2) == 0 { json!(null) } else { json!(some(dice, "section")) };
            client.patch(&format!("/sections/{}", some(dice, "section")), json!({"parent": parent})).await
        }
        _ => {
            let created = client.post("/tags", json!({"name": name})).await;
            client.delete(&format!("/tags/{}", created.assert(201).text("/id"))).await
        }
    };
    assert!(reply.status.as_u16() < 500, "{}", reply.json);
}

async fn a_reader_among_eight_writers_ends_with_what_is_public(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for kind in ["tag", "author", "section"] {
        for number in 1..=3 {
            admin.post(&format!("/{kind}s"), json!({"name": format!("{kind} {number}")})).await.assert(201);
        }
    }
    let articles = RefCell::new(Vec::new());
    for number in 0..6 {
        let article = publish(&admin, json!({"title": format!("Story {number}")})).await;
        articles.borrow_mut().push(article);
    }
    linger(&app, "TRUE", "random() * 0.02");
    let done = Cell::new(false);
    let write = async {
        let writers = (1..=WRITERS).map(|writer| {
            let (admin, articles) = (&admin, &articles);
            async move {
                let mut dice = Dice(writer);
                for number in 0..ACTS {
                    act(admin, &mut dice, articles, &format!("w{writer}-{number}")).await;
                }
            }
        });
        join_all(writers).await;
        done.set(true);
    };
    let mut reader = Follower::new(&app, "limit=3");
    let read = async {
        // Every place on the way, with what the copy was there.
        let mut places = Vec::new();
        loop {
            let was_done = done.get();
            places.push(reader.clone());
            if !reader.step().await.1 && was_done {
                return places;
            }
        }
    };
    let ((), places) = join(write, read).await;
    reader.catch_up().await;
    let expected: Copy = public(&app).await;
    assert_eq!(reader.copy, expected);
    assert!(places.len() > 20, "{} parts were read", places.len());
    assert!(reader.told.len() > 100, "{} changes were told", reader.told.len());
    let every = places.len() / 20;
    for mut place in places.into_iter().step_by(every) {
        place.query = "limit=100".to_owned();
        place.catch_up().await;
        assert_eq!(place.copy, expected, "from {:?}", place.since);
    }
}

async fn what_ends_late_is_told_late_and_not_missed(app: TestApp) {
    let editor = app.editor().await;
    linger(&app, "NEW.slug LIKE 'slow%'", "1");
    let mut reader = Follower::new(&app, "");
    let slow = editor.post("/tags", json!({"name": "Slow"}));
    let others = async {
        sleep(Duration::from_millis(300)).await;
        editor.post("/tags", json!({"name": "Quick"})).await.assert(201);
        reader.news().await
    };
    let (slow, overtook) = join!(slow, others);
    slow.assert(201);
    match app.kind() {
        // One writer: what ends first was first.
        Kind::Sqlite => assert_eq!(overtook, ["tag quick updated", "tag slow updated"]),
        Kind::Postgres => {
            assert_eq!(overtook, ["tag quick updated"]);
            assert_eq!(reader.news().await, ["tag slow updated"]);
        }
    }
    // The same where what is told already is changed again: until it has ended, it is as it was.
    let slow = editor.patch("/tags/slow", json!({"name": "Slower"}));
    let others = async {
        sleep(Duration::from_millis(300)).await;
        editor.patch("/tags/quick", json!({"name": "Quicker"})).await.assert(200);
        let mut fresh = Follower::new(&app, "");
        (fresh.news().await.len(), reader.news().await)
    };
    let (slow, (all, news)) = join!(slow, others);
    slow.assert(200);
    assert_eq!(all, 2);
    if app.kind() == Kind::Postgres {
        assert_eq!(news, ["tag quick updated"]);
        assert_eq!(reader.news().await, ["tag slow updated"]);
    }
    assert_eq!(reader.copy, public(&app).await);
}

async fn many_readers_at_once_are_told_the_same(app: TestApp) {
    let editor = app.editor().await;
    for number in 0..40 {
        editor.post("/tags", json!({"name": format!("Tag {number}")})).await.assert(201);
    }
    let readers = (0..12).map(|_| {
        let mut reader = Follower::new(&app, "limit=7");
        async move { reader.catch_up().await }
    });
    let told = join_all(readers).await;
    assert!(told.iter().all(|changes| changes.len() == 40 && *changes == told[0]));
}

on_both_databases! {
    a_reader_among_eight_writers_ends_with_what_is_public,
    what_ends_late_is_told_late_and_not_missed,
    many_readers_at_once_are_told_the_same,
}
