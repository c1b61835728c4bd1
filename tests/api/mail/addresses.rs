//! Another address: it is somebody's once they have followed the link that was sent there.

use super::{ANOTHER, WAITING, a_minute_later, forget, login, signed_in, with_mail};
use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp},
};
use serde_json::json;
use stet::{db::Id, permissions::Role};

fn new_address() -> String {
    format!("mira-{}@lantern.example", Id::new())
}

async fn ask(editor: &Client, email: &str) -> Reply {
    editor.put("/me/email", json!({"email": email, "current_password": PASSWORD})).await
}

async fn confirm(app: &TestApp, token: &str) -> Reply {
    app.anyone().post("/auth/email/confirm", json!({"token": token})).await
}

async fn an_address_changes_when_the_new_one_confirms_it(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let (old, new) = (app.new_user(Role::Editor), new_address());
    let editor = signed_in(&app, &old).await;
    let wrong = editor.put("/me/email", json!({"email": new, "current_password": "not the password"})).await;
    assert_eq!(wrong.assert(422).mistakes(), [("/current_password".to_owned(), "wrong_password".to_owned())]);
    let same = ask(&editor, &old.to_uppercase()).await;
    assert_eq!(same.assert(422).mistakes(), [("/email".to_owned(), "unchanged".to_owned())]);
    let tried = json!({"email": new, "current_password": PASSWORD});
    editor.put("/me/email?dry_run=true", tried.clone()).await.assert(202);
    editor.with("if-match", "\"9-0\"").put("/me/email", tried).await.assert(412);
    assert_eq!(app.number("SELECT count(*) FROM letters"), 0);

    ask(&editor, &new.to_uppercase()).await.assert(202);
    let letter = post.letter_to(&new).await;
    assert_eq!(letter.subject(), "Confirm your address for The Lantern");
    assert_eq!(letter.link(), "https://cms.lantern.example/email/confirm");
    assert_eq!(post.letter_to(&old).await.subject(), "Another address was asked for at The Lantern");
    assert_eq!(editor.get("/me").await.text("/email"), old);
    login(&app, &new, PASSWORD).await.assert(401);
    let token = letter.token();
    super::reset(&app, &token, ANOTHER).await.assert_problem(401, "invalid_token");
    confirm(&app, &token[1..]).await.assert_problem(401, "invalid_token");

    let etag = editor.get("/me").await.etag().to_owned();
    confirm(&app, &token).await.assert(204);
    let me = editor.get("/me").await;
    assert_eq!(me.assert(200).text("/email"), new, "the session goes on");
    assert_ne!(me.etag(), etag);
    assert_eq!(post.letter_to(&old).await.subject(), "Your address at The Lantern was changed");
    login(&app, &old, PASSWORD).await.assert_problem(401, "invalid_credentials");
    login(&app, &new, PASSWORD).await.assert(200);
    confirm(&app, &token).await.assert_problem(401, "invalid_token");
}

async fn a_confirmation_is_good_for_an_hour_and_can_be_taken_back(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let old = app.new_user(Role::Editor);
    let editor = signed_in(&app, &old).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let new = new_address();
        ask(&editor, &new).await.assert(202);
        tokens.push(post.letter_to(&new).await.token());
        a_minute_later(&app);
    }
    // Each took the place of the one before.
    for token in &tokens[..2] {
        confirm(&app, token).await.assert_problem(401, "invalid_token");
    }
    app.execute("UPDATE one_time_tokens SET expires_at = expires_at - 3600000000");
    confirm(&app, &tokens[2]).await.assert_problem(401, "invalid_token");
    // Whoever asked with a stolen password is locked out by another one.
    let new = new_address();
    ask(&editor, &new).await.assert(202);
    let token = post.letter_to(&new).await.token();
    editor.put("/me/password", json!({"current_password": PASSWORD, "new_password": ANOTHER})).await.assert(200);
    confirm(&app, &token).await.assert_problem(401, "invalid_token");
    assert_eq!(editor.get("/me").await.text("/email"), old);
}

async fn two_cannot_have_one_address(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let (first, second, third) = (app.new_user(Role::Editor), app.new_user(Role::Editor), app.new_user(Role::Editor));
    let (one, other) = (signed_in(&app, &first).await, signed_in(&app, &second).await);
    // That it is another's is not told, and nothing is sent there.
    ask(&one, &third).await.assert(202);
    assert_eq!(post.letter_to(&first).await.subject(), "Another address was asked for at The Lantern");
    app.becomes(WAITING, 0).await;
    assert!(post.unread().is_empty());
    a_minute_later(&app);
    // Both ask for one that is free.
    let new = new_address();
    ask(&one, &new).await.assert(202);
    let token = post.letter_to(&new).await.token();
    ask(&other, &new).await.assert(202);
    let tokens = [token, post.letter_to(&new).await.token()];
    let tries: Vec<_> = tokens
        .iter()
        .map(|token| {
            let (anyone, body) = (app.anyone(), json!({"token": token}));
            actix_web::rt::spawn(async move { anyone.post("/auth/email/confirm", body).await.status.as_u16() })
        })
        .collect();
    let mut answers = Vec::new();
    for attempt in tries {
        answers.push(attempt.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [204, 409]);
    assert_eq!(app.number(&format!("SELECT count(*) FROM users WHERE email = '{new}'")), 1);
}

async fn nobody_sends_letters_to_strangers_again_and_again(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let editor = signed_in(&app, &app.new_user(Role::Contributor)).await;
    for _ in 0..5 {
        let new = new_address();
        ask(&editor, &new).await.assert(202);
        post.letter_to(&new).await;
        let refused = ask(&editor, &new_address()).await;
        assert_eq!(refused.assert_problem(429, "rate_limited").header("retry-after"), "60");
        a_minute_later(&app);
    }
    ask(&editor, &new_address()).await.assert_problem(429, "rate_limited");
}

async fn asking_again_tells_not_whether_an_address_is_somebodys(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let colleague = app.new_user(Role::Editor);
    for address in [colleague.clone(), new_address()] {
        let (old, is_free) = (app.new_user(Role::Contributor), address != colleague);
        let one = signed_in(&app, &old).await;
        for _ in 0..5 {
            ask(&one, &address).await.assert(202);
            post.letter_to(&old).await;
            if is_free {
                post.letter_to(&address).await;
            }
            app.becomes(WAITING, 0).await;
            // It is refused after the right password, which is no wrong try.
            for _ in 0..2 {
                ask(&one, &address).await.assert_problem(429, "rate_limited");
            }
            a_minute_later(&app);
        }
        ask(&one, &address).await.assert_problem(429, "rate_limited");
        assert!(post.unread().is_empty());
    }
}

async fn a_letter_to_a_strangers_address_says_nothing_of_ones_own_choosing(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let (old, new) = (app.new_user(Role::Contributor), new_address());
    let one = signed_in(&app, &old).await;
    one.patch("/me", json!({"name": "Pay at http://evil.example"})).await.assert(200);
    ask(&one, &new).await.assert(202);
    let letter = post.letter_to(&new).await;
    let said = [letter.header("to"), letter.subject(), letter.bodies().concat()].concat();
    assert!(!said.contains("evil") && !said.contains("Pay"), "{said}");
    assert!(post.letter_to(&old).await.bodies()[0].starts_with("Hello Pay at"), "one's own address is no stranger's");
}

async fn a_link_to_the_old_address_opens_nothing_after_the_change(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let (old, new) = (app.new_user(Role::Editor), new_address());
    let editor = signed_in(&app, &old).await;
    ask(&editor, &new).await.assert(202);
    let token = post.letter_to(&new).await.token();
    assert_eq!(post.letter_to(&old).await.subject(), "Another address was asked for at The Lantern");
    forget(&app, &old).await.assert(202);
    let forgotten = post.letter_to(&old).await.token();
    confirm(&app, &token).await.assert(204);
    super::reset(&app, &forgotten, ANOTHER).await.assert_problem(401, "invalid_token");
}

on_both_databases! {
    an_address_changes_when_the_new_one_confirms_it,
    a_confirmation_is_good_for_an_hour_and_can_be_taken_back,
    two_cannot_have_one_address,
    nobody_sends_letters_to_strangers_again_and_again,
    asking_again_tells_not_whether_an_address_is_somebodys,
    a_letter_to_a_strangers_address_says_nothing_of_ones_own_choosing,
    a_link_to_the_old_address_opens_nothing_after_the_change,
}
