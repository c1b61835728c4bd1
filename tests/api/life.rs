//! The life of articles against a model: whatever the staff does in whatever order, the public sees what the model says.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, blocking},
};
use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use stet::permissions::Role::{self, Admin, Author, Contributor, Editor};

/// Sequences of each database, and steps in each.
const SEQUENCES: u64 = 6;
const STEPS: usize = 60;
const ARTICLES: usize = 4;
/// A time that no test reaches.
const SOMEDAY: &str = "2031-01-01T06:00:00Z";
/// How long what is due may take.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// What may be done with an article. A revision is meant by its place in the history.
#[derive(Debug, Clone, Copy)]
enum Act {
    Edit,
    EditNothing,
    Publish(Option<usize>),
    Schedule(Option<usize>),
    Cancel,
    Unpublish,
    UnpublishSomeday,
    RestoreRevision(usize),
    Trash,
    Untrash,
    /// The time of all that is scheduled comes.
    TimePasses,
}

/// What an article is to be.
struct Model {
    id: String,
    owner: usize,
    /// The title of each revision.
    titles: Vec<String>,
    public: Option<usize>,
    /// The revision that is to become public.
    next: Option<usize>,
    ends: bool,
    trashed: bool,
}

struct Person {
    role: Role,
    client: Client,
}

impl Model {
    fn working(&self) -> usize {
        self.titles.len() - 1
    }

    fn is_bound_for_the_public(&self) -> bool {
        self.public.is_some() || self.next.is_some()
    }

    /// Does it to the model, and says how it is answered.
    fn act(&mut self, act: Act, person: &Person, own: bool) -> u16 {
        let may_edit = own || person.role >= Editor;
        let may_publish = person.role >= Author;
        // Who may not see an article is not told that it is there; a public one may be seen by everybody.
        let stranger = if self.public.is_some() && !self.trashed { 403 } else { 404 };
        let publishes =
            matches!(act, Act::Publish(_) | Act::Schedule(_) | Act::Cancel | Act::Unpublish | Act::UnpublishSomeday);
        match act {
            Act::TimePasses => return 0,
            _ if publishes && !may_publish => return 403,
            Act::Untrash if !self.trashed || !may_edit => return 404,
            Act::Untrash => {}
            _ if !may_edit => return stranger,
            _ if self.trashed => return 404,
            _ => {}
        }
        match act {
            Act::Edit => self.titles.push(String::new()),
            Act::RestoreRevision(number) if self.titles[number] != self.titles[self.working()] => {
                self.titles.push(self.titles[number].clone());
            }
            Act::EditNothing | Act::RestoreRevision(_) | Act::TimePasses => {}
            Act::Publish(number) => {
                (self.public, self.next) = (Some(number.unwrap_or(self.working())), None);
            }
            Act::Schedule(number) => {
                let number = Some(number.unwrap_or(self.working()));
                match () {
                    () if self.next == number => {}
                    // What ends on the same day cannot begin on it.
                    () if self.ends => return 422,
                    () if self.public == number => return 409,
                    () => self.next = number,
                }
            }
            Act::Cancel => (self.next, self.ends) = (None, false),
            Act::Unpublish => {
                (self.public, self.next, self.ends) = (None, None, false);
                return 204;
            }
            Act::UnpublishSomeday if self.ends => {}
            Act::UnpublishSomeday if self.next.is_some() || self.public.is_none() => return 409,
            Act::UnpublishSomeday => self.ends = true,
            Act::Trash | Act::Untrash if self.is_bound_for_the_public() && !may_publish => return 403,
            Act::Trash => (self.next, self.trashed) = (None, true),
            Act::Untrash => self.trashed = false,
        }
        match act {
            Act::Cancel | Act::UnpublishSomeday | Act::Trash => 204,
            _ => 200,
        }
    }

    fn time_passes(&mut self) {
        if let Some(next) = self.next.take() {
            self.public = Some(next);
        }
        if std::mem::take(&mut self.ends) {
            self.public = None;
        }
    }

    /// The title that the public reads.
    fn shown(&self) -> Option<&str> {
        self.public.filter(|_| !self.trashed).map(|number| self.titles[number].as_str())
    }
}

struct Story {
    app: TestApp,
    people: Vec<Person>,
    models: Vec<Model>,
    words: usize,
    log: Vec<String>,
}

impl Story {
    async fn begin(app: TestApp) -> Self {
        let mut people = Vec::new();
        for role in [Contributor, Author, Author, Editor, Admin] {
            people.push(Person { role, client: app.signed_in(role).await });
        }
        Self { app, people, models: Vec::new(), words: 0, log: Vec::new() }
    }

    fn title(&mut self) -> String {
        self.words += 1;
        format!("Take {} of the tide", self.words)
    }

    async fn create(&mut self, owner: usize) {
        let title = self.title();
        let created = self.people[owner].client.post("/articles", json!({"title": title})).await;
        let id = created.assert(201).text("/id");
        let (titles, public, next) = (vec![title], None, None);
        self.models.push(Model { id, owner, titles, public, next, ends: false, trashed: false });
    }

    async fn step(&mut self, dice: &mut Dice) {
        let (which, who) = (dice.throw(self.models.len()), dice.throw(self.people.len()));
        let history = self.models[which].titles.len();
        let some = |dice: &mut Dice| if dice.throw(2) == 0 { Some(dice.throw(history)) } else { None };
        let act = match dice.throw(14) {
            0..=2 => Act::Edit,
            3 => Act::EditNothing,
            4 | 5 => Act::Publish(some(dice)),
            6 | 7 => Act::Schedule(some(dice)),
            8 => Act::Cancel,
            9 => Act::Unpublish,
            10 => Act::UnpublishSomeday,
            11 => Act::RestoreRevision(dice.throw(history)),
            12 => {
                if dice.throw(2) == 0 {
                    Act::Trash
                } else {
                    Act::Untrash
                }
            }
            _ => Act::TimePasses,
        };
        let before: Vec<_> = self.models.iter().map(|m| m.shown().map(str::to_owned)).collect();
        let seen = self.read_all().await;
        self.log.push(format!("{:?} does {act:?} with {which}", self.people[who].role));
        if let Act::TimePasses = act {
            self.let_time_pass().await;
        } else {
            self.act(act, which, who).await;
        }
        self.compare(&before, &seen).await;
    }

    async fn act(&mut self, act: Act, which: usize, who: usize) {
        let title = self.title();
        let (model, person) = (&mut self.models[which], &self.people[who]);
        let path = format!("/articles/{}", model.id);
        let (client, publication) = (&person.client, format!("{path}/publication"));
        let working = model.titles[model.working()].clone();
        let numbered = |number: Option<usize>, at: Value| match number {
            Some(number) => json!({"revision": number + 1, "at": at}),
            None => json!({"at": at}),
        };
        let reply = match act {
            Act::Edit => client.patch(&path, json!({"title": title})).await,
            Act::EditNothing => client.patch(&path, json!({"title": working})).await,
            Act::Publish(number) => client.put(&publication, numbered(number, Value::Null)).await,
            Act::Schedule(number) => client.put(&publication, numbered(number, json!(SOMEDAY))).await,
            Act::Cancel => client.delete(&format!("{publication}?scheduled=true")).await,
            Act::Unpublish => client.delete(&publication).await,
            Act::UnpublishSomeday => client.delete(&format!("{publication}?at={SOMEDAY}")).await,
            Act::RestoreRevision(number) => {
                client.send(Method::POST, &format!("{path}/revisions/{}/restore", number + 1), None).await
            }
            Act::Trash => client.delete(&path).await,
            Act::Untrash => client.send(Method::POST, &format!("{path}/restore"), None).await,
            Act::TimePasses => unreachable!("nobody does that"),
        };
        let expected = model.act(act, person, model.owner == who);
        if let Some(last) = model.titles.last_mut().filter(|title| title.is_empty()) {
            *last = title;
        }
        assert_eq!(reply.status, expected, "{}\n{}", reply.json, self.log.join("\n"));
    }

    /// Makes all that is scheduled due, and waits until it has happened.
    async fn let_time_pass(&mut self) {
        blocking(|| {
            let due = "UPDATE articles SET publish_at = publish_at - 600000000000000 WHERE publish_at IS NOT NULL;
                UPDATE articles SET unpublish_at = unpublish_at - 600000000000000 WHERE unpublish_at IS NOT NULL";
            self.app.app.db.connection().unwrap().batch_execute(due).unwrap();
        });
        self.models.iter_mut().for_each(Model::time_passes);
        let began = Instant::now();
        let editor = &self.people[3].client;
        let waiting = |row: &Value| {
            row["scheduled"]["publish_at"] != Value::Null || row["scheduled"]["unpublish_at"] != Value::Null
        };
        loop {
            let mut waits = false;
            for list in ["/articles?limit=100", "/articles?limit=100&deleted=true"] {
                let list = editor.get(list).await;
                waits |= list.assert(200).json["data"].as_array().unwrap().iter().any(waiting);
            }
            if !waits {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "what is due does not happen\n{}", self.log.join("\n"));
            actix_web::rt::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn read_all(&self) -> Vec<Reply> {
        let mut replies = Vec::new();
        for model in &self.models {
            replies.push(self.app.anyone().get(&format!("/articles/{}", model.id)).await);
        }
        replies
    }

    /// The public sees what the model says; where that did not change, not a byte of what it sees did.
    async fn compare(&self, before: &[Option<String>], seen: &[Reply]) {
        let list = self.app.anyone().get("/articles?limit=100&count=true").await;
        let mut titles = list.assert(200).column("title");
        let mut expected: Vec<_> = self.models.iter().filter_map(Model::shown).map(str::to_owned).collect();
        titles.sort();
        expected.sort();
        assert_eq!(titles, expected, "{}", self.log.join("\n"));
        assert_eq!(list.json["page"]["total"], expected.len(), "{}", self.log.join("\n"));
        for ((model, before), old) in self.models.iter().zip(before).zip(seen) {
            let now = self.app.anyone().get(&format!("/articles/{}", model.id)).await;
            match model.shown() {
                Some(title) => assert_eq!(now.assert(200).json["title"], title, "{}", self.log.join("\n")),
                None => drop(now.assert_problem(404, "not_found")),
            }
            if model.shown() == before.as_deref() && now.status == 200 {
                // Published anew is new, though it reads the same.
                let same = |reply: &Reply| (reply.json["revision"].clone(), reply.json["updated_at"].clone());
                if same(&now) == same(old) {
                    assert_eq!((now.etag(), &now.bytes), (old.etag(), &old.bytes), "{}", self.log.join("\n"));
                } else {
                    let last = self.log.last().unwrap();
                    let published = ["Publish", "TimePasses", "Untrash"].iter().any(|act| last.contains(act));
                    assert!(published, "the public sees something new\n{}", self.log.join("\n"));
                }
            }
        }
    }
}

async fn the_public_sees_what_the_model_says(app: TestApp) {
    let mut story = Story::begin(app).await;
    for seed in 1..=SEQUENCES {
        let mut dice = Dice(seed);
        story.log = vec![format!("seed {seed}")];
        // What is left of the sequence before stays, and is to stay as it is.
        let begun = story.models.len();
        for _ in 0..ARTICLES {
            let owner = dice.throw(story.people.len());
            story.create(owner).await;
        }
        for _ in 0..STEPS {
            story.step(&mut dice).await;
        }
        assert_eq!(story.models.len(), begun + ARTICLES);
    }
}

on_both_databases! {
    the_public_sees_what_the_model_says,
}
