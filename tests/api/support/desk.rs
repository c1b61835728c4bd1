//! A newsroom in which every operation of the spec has something to be tried on.

use super::{Client, Kind, PASSWORD, Postbox, Reply, TestApp, spec::Operation};
use crate::auth::factors;
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::{
    db::Id,
    permissions::Role::{Admin, Author},
};

/// Something for every operation to be tried on.
pub struct Desk {
    pub app: TestApp,
    pub editor: Client,
    pub admin: Client,
    post: Postbox,
}

impl Desk {
    pub async fn start(kind: Kind) -> Self {
        let post = Postbox::open();
        let app = TestApp::start_with_mail(kind, &post).await;
        Self { editor: app.editor().await, admin: app.signed_in(Admin).await, app, post }
    }

    /// A user who was just invited.
    async fn newcomer(&self) -> Reply {
        let new = json!({"email": format!("{}@lantern.example", Id::new()), "name": "Jonas Reyes", "role": "author"});
        let created = self.admin.post("/users", new).await;
        created.assert(201);
        created
    }

    /// The token of the letter that comes of what somebody new asks for.
    async fn token_by_mail(&self, operation: &str) -> String {
        let mut email = self.app.new_user(Author);
        match operation {
            "reset_password" => drop(self.app.anyone().post("/auth/password/forgot", json!({"email": email})).await),
            "confirm_email" => {
                let login = json!({"email": email, "password": PASSWORD});
                let session = self.app.anyone().post("/auth/login", login).await;
                let somebody = Client::new(&self.app.address, Some(session.assert(200).text("/access_token")));
                email = format!("{}@lantern.example", Id::new());
                somebody.put("/me/email", json!({"email": email, "current_password": PASSWORD})).await.assert(202);
            }
            _ => email = self.newcomer().await.text("/email"),
        }
        self.post.letter_to(&email).await.token()
    }

    /// A session of the caller's besides the one that asks; of nobody's, where they have none.
    async fn session(&self, caller: &Client) -> String {
        let me = caller.get("/me").await;
        if me.status != 200 {
            return Id::new().to_string();
        }
        let login = json!({"email": me.text("/email"), "password": PASSWORD});
        self.app.anyone().post("/auth/login", login).await.assert(200);
        caller.get("/me/sessions").await.assert(200).text("/data/0/id")
    }

    /// An article, public unless it is the caller's own draft.
    async fn article(&self, owner: &Client, published: bool) -> String {
        let created = owner.post("/articles", json!({"title": "The harbour reopens"})).await;
        let path = format!("/articles/{}", created.assert(201).text("/id"));
        if published {
            self.editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
        }
        path
    }

    /// Where to send the operation, and what.
    pub async fn request(
        &self,
        operation: &Operation,
        caller: &Client,
        owner: &Client,
        own: bool,
    ) -> (String, Option<Value>) {
        let id = operation.id.as_str();
        let public = !own
            || !matches!(
                id,
                "update_article" | "delete_article" | "restore_article" | "publish_article" | "restore_revision"
            );
        let template = operation.template();
        let path = match operation.kind().as_str() {
            "articles" if template.contains("{ref}") => {
                let path = self.article(owner, public).await;
                if id == "restore_article" {
                    self.editor.delete(&path).await.assert(204);
                }
                if id == "review_article" {
                    // What is public already is not reviewed.
                    self.editor.patch(&path, json!({"subtitle": "At last"})).await.assert(200);
                }
                let template = template.replacen("/articles/{ref}", &path, 1).replace("{number}", "1");
                let (below, new) = if template.contains("/corrections/") {
                    ("corrections", json!({"kind": "update", "text": "It leaves at six."}))
                } else {
                    ("previews", json!({}))
                };
                if template.contains("{id}") {
                    let created = self.editor.post(&format!("{path}/{below}"), new).await;
                    template.replacen("{id}", &created.assert(201).text("/id"), 1)
                } else {
                    template
                }
            }
            "comments" if template.contains("{id}") => {
                let article = self.article(&self.editor, true).await;
                let comment =
                    owner.post(&format!("{article}/comments"), json!({"body": "The old quay was better."})).await;
                template.replacen("{id}", &comment.assert(201).text("/id"), 1)
            }
            kind @ ("authors" | "sections" | "tags") if template.contains("{ref}") => {
                let created = self.editor.post(&format!("/{kind}"), json!({"name": "Harbour"})).await;
                template.replacen("{ref}", &created.assert(201).text("/id"), 1)
            }
            "redirects" if template.contains("{id}") => {
                let new = json!({"source": format!("/{}", Id::new()), "target": "/"});
                template.replacen("{id}", &self.editor.post("/redirects", new).await.assert(201).text("/id"), 1)
            }
            "users" if template.contains("{id}") => template.replacen("{id}", &self.newcomer().await.text("/id"), 1),
            "api-keys" if template.contains("{id}") => {
                let created = self.admin.post("/api-keys", json!({"name": "Website", "role": "reader"})).await;
                template.replacen("{id}", &created.assert(201).text("/id"), 1)
            }
            "me" if template.contains("{id}") => template.replacen("{id}", &self.session(caller).await, 1),
            _ => template.clone(),
        };
        let query = operation.least_query();
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        (path, self.body(operation, caller).await)
    }

    /// The spec's own example, without references to what is not here.
    async fn body(&self, operation: &Operation, caller: &Client) -> Option<Value> {
        if let Some(body) = factors::body(&self.app, caller, &operation.id).await {
            return Some(body);
        }
        let login = json!({"email": self.app.new_user(Author), "password": PASSWORD});
        match operation.id.as_str() {
            "login" => return Some(login),
            // Nothing of the example is here.
            "change_articles" => return Some(json!({"articles": ["nothing"], "action": {"kind": "trash"}})),
            "refresh" | "logout" => {
                let session = self.app.anyone().post("/auth/login", login).await;
                return Some(json!({"refresh_token": session.assert(200).text("/refresh_token")}));
            }
            "merge_tag" => {
                let other = self.editor.post("/tags", json!({"name": "Another"})).await;
                return Some(json!({"into": other.assert(201).text("/id")}));
            }
            "accept_invitation" => {
                let token = self.token_by_mail("accept_invitation").await;
                return Some(json!({"token": token, "password": PASSWORD}));
            }
            "reset_password" => {
                let token = self.token_by_mail("reset_password").await;
                return Some(json!({"token": token, "password": "nine gulls on a wire"}));
            }
            "confirm_email" => return Some(json!({"token": self.token_by_mail("confirm_email").await})),
            "change_email" => {
                // Who asks again and again is made to wait.
                self.app.becomes("SELECT count(*) FROM letters WHERE next_at IS NOT NULL", 0).await;
                self.app.execute("UPDATE letters SET created_at = created_at - 3600000000 WHERE next_at IS NULL");
                let email = format!("{}@lantern.example", Id::new());
                return Some(json!({"email": email, "current_password": PASSWORD}));
            }
            "change_password" => {
                let password = PASSWORD;
                return Some(json!({"current_password": password, "new_password": password}));
            }
            "create_user" => {
                let email = format!("{}@lantern.example", Id::new());
                return Some(json!({"email": email, "name": "Jonas Reyes", "role": "author"}));
            }
            "update_user" => return Some(json!({"name": "Jonas"})),
            "create_redirect" => return Some(json!({"source": format!("/{}", Id::new()), "target": "/"})),
            _ => {}
        }
        let content = operation.value["requestBody"]["content"].as_object().filter(|c| !c.contains_key("text/csv"))?;
        let mut body = content["application/json"]["example"].clone();
        assert!(body.is_object(), "{} has no example of a body", operation.id);
        for reference in ["aliases", "authors", "tags", "section", "related", "parent", "parent_id"] {
            body.as_object_mut().unwrap().shift_remove(reference);
        }
        Some(body)
    }

    pub async fn send(&self, operation: &Operation, caller: &Client, owner: &Client, own: bool) -> Reply {
        let (path, body) = self.request(operation, caller, owner, own).await;
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        match operation.value["requestBody"]["content"]["text/csv"]["example"].as_str() {
            Some(table) => caller.with("content-type", "text/csv").raw(method, &path, table.as_bytes().to_vec()).await,
            None => caller.send(method, &path, body).await,
        }
    }
}
