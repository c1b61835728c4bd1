//! What becomes of letters when the mail server is away, refuses, keeps silent, or is spoken to by many.

use super::{ANOTHER, WAITING, forget, login, reset, with_mail};
use crate::{
    auth::sign_in,
    on_both_databases,
    support::{
        Client, Kind, PASSWORD, Postbox, TestApp, blocking, fresh,
        postbox::{Encryption, Manner, SECRET},
        program::Server,
    },
};
use serde_json::json;
use std::{collections::HashSet, time::Duration, time::Instant};
use stet::{mail::Mail, permissions::Role};

/// Lets what waits be tried at once; nothing is to be on its way.
fn now(app: &TestApp) {
    app.execute("UPDATE letters SET next_at = 0, why = NULL WHERE next_at IS NOT NULL");
}

async fn a_dead_mail_server_delays_and_fails_nothing(app: TestApp) {
    let (app, mut post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    let email = app.new_user(Role::Editor);
    post.close();
    let began = Instant::now();
    forget(&app, &email).await.assert(202);
    admin
        .post("/users", json!({"email": "jonas@lantern.example", "name": "Jonas", "role": "author"}))
        .await
        .assert(201);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    app.becomes("SELECT count(*) FROM letters WHERE attempts > 0 AND why IS NOT NULL", 2).await;
    post.reopen();
    now(&app);
    let token = post.letter_to(&email).await.token();
    reset(&app, &token, ANOTHER).await.assert(204);
    post.letter_to("jonas@lantern.example").await;
    post.letter_to(&email).await;
    app.becomes(WAITING, 0).await;
    app.becomes("SELECT count(*) FROM letters WHERE sent_at IS NOT NULL AND email IS NULL", 3).await;
}

async fn a_refusal_for_now_is_tried_again_and_later_each_time(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    for refusal in ["451 4.7.1 <mira@lantern.example> come back later", "535 5.7.8 we do not know you"] {
        post.answers(Manner::Refuses(refusal));
        forget(&app, &email).await.assert(202);
        for (attempt, least) in [(1, 30), (2, 60), (3, 120)] {
            app.becomes(
                &format!("SELECT count(*) FROM letters WHERE attempts = {attempt} AND why LIKE '%{}%'", &refusal[..3]),
                1,
            )
            .await;
            let seconds = format!("next_at - {}", stet::clock::now().micros());
            let pause = app.number(&format!("SELECT max(({seconds}) / 1000000) FROM letters"));
            assert!((least - 3..=least * 3 / 2 + 1).contains(&pause), "{attempt}: {pause} seconds");
            now(&app);
        }
        assert_eq!(app.number("SELECT count(*) FROM letters WHERE why LIKE '%@%'"), 0);
        post.answers(Manner::Takes);
        now(&app);
        let token = post.letter_to(&email).await.token();
        app.becomes(WAITING, 0).await;
        reset(&app, &token, "short").await.assert(422);
        // Of the tokens of all tries the last is good, and the others are gone.
        assert_eq!(app.number("SELECT count(*) FROM one_time_tokens"), 1);
        app.execute("DELETE FROM letters; DELETE FROM one_time_tokens");
    }
}

async fn a_refusal_for_good_is_given_up_and_kept(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    post.answers(Manner::Refuses("550 5.1.1 nobody of that name"));
    forget(&app, &email).await.assert(202);
    let given_up = "SELECT count(*) FROM letters WHERE given_up_at IS NOT NULL AND next_at IS NULL AND email IS NULL";
    app.becomes(&format!("{given_up} AND why LIKE '%550%nobody%'"), 1).await;
    assert_eq!(app.number("SELECT max(attempts) FROM letters"), 1);
    let connections = post.connections();
    actix_web::rt::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(post.connections(), connections);
    // It is forgotten after a month, what was sent after a day.
    let clean_up = async || app.app.db.write(|conn| stet::mail::clean_up(conn, stet::clock::now())).await.unwrap();
    app.execute("UPDATE letters SET given_up_at = given_up_at - 29 * 86400000000");
    assert_eq!(clean_up().await, 0);
    app.execute("UPDATE letters SET given_up_at = given_up_at - 86400000000");
    assert_eq!(clean_up().await, 1);
}

async fn a_silent_mail_server_holds_up_nobody(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    post.answers(Manner::Hangs);
    forget(&app, &email).await.assert(202);
    app.becomes("SELECT count(*) FROM letters WHERE attempts = 1", 1).await;
    // While one try waits, requests and other jobs go on.
    let began = Instant::now();
    forget(&app, "nobody@lantern.example").await.assert(202);
    login(&app, &email, PASSWORD).await.assert(200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    app.becomes("SELECT count(*) FROM letters WHERE why IS NOT NULL", 1).await;
    post.answers(Manner::Takes);
    now(&app);
    post.letter_to(&email).await;
}

async fn many_processes_send_each_letter_once(app: TestApp) {
    let (app, post) = with_mail(app).await;
    app.jobs.stop().await;
    let mut emails = HashSet::new();
    for _ in 0..40 {
        emails.insert(app.new_user(Role::Editor));
    }
    for email in &emails {
        forget(&app, email).await.assert(202);
    }
    // They find all at once.
    let processes = [app.beside(&post).await, app.beside(&post).await, app.beside(&post).await];
    app.becomes(WAITING, 0).await;
    drop(processes);
    let letters = post.unread();
    assert_eq!(letters.iter().map(|letter| letter.to.clone()).collect::<HashSet<_>>(), emails);
    assert_eq!(letters.len(), emails.len(), "some came twice");
}

async fn a_letter_whose_sender_died_is_sent_by_another(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    app.jobs.stop().await;
    let began = Instant::now();
    forget(&app, &email).await.assert(202);
    // Somebody took it, and was heard of no more.
    app.execute("UPDATE letters SET attempts = 1, next_at = next_at + 3000000");
    let beside = app.beside(&post).await;
    post.letter_to(&email).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "it was another's for as long");
    beside.becomes(WAITING, 0).await;
}

async fn what_came_too_late_is_not_sent(app: TestApp) {
    let (app, post) = with_mail(app).await;
    app.jobs.stop().await;
    let (late, early) = (app.new_user(Role::Editor), app.new_user(Role::Editor));
    forget(&app, &late).await.assert(202);
    app.execute("UPDATE letters SET expires_at = expires_at - 3600000000");
    forget(&app, &early).await.assert(202);
    app.execute("UPDATE letters SET expires_at = expires_at - 3590000000 WHERE expires_at > created_at");
    let beside = app.beside(&post).await;
    beside.becomes(WAITING, 0).await;
    assert_eq!(app.number("SELECT count(*) FROM letters WHERE why LIKE '%too late%' AND email IS NULL"), 1);
    assert_eq!(post.unread().into_iter().map(|letter| letter.to).collect::<Vec<_>>(), [early]);
}

async fn mail_goes_encrypted_and_under_our_name(app: TestApp) {
    for encryption in [Encryption::Upgraded, Encryption::Whole] {
        let post = Postbox::open_with(encryption);
        let beside = app.beside(&post).await;
        let email = app.new_user(Role::Editor);
        forget(&beside, &email).await.assert(202);
        let letter = post.letter_to(&email).await;
        assert!(letter.encrypted && letter.authenticated, "{letter:?}");
        // Before the next one looks for letters.
        beside.becomes(WAITING, 0).await;
        beside.jobs.stop().await;
    }
    // A server that offers no encryption gets nothing, nor does one that is not whom it says it is.
    let (plain, trusted) = (Postbox::open(), Postbox::open_with(Encryption::Upgraded));
    let elsewhere = Postbox::open_with(Encryption::Whole);
    let authority = trusted.url().split_once('?').unwrap().1.to_owned();
    for (url, why) in [
        (format!("{}?{authority}", plain.url()), "STARTTLS"),
        (format!("{}?{authority}", elsewhere.url().split_once('?').unwrap().0), "certificate"),
        (trusted.url().replace("word", "w0rd"), "535"),
    ] {
        let mut settings = plain.settings();
        settings.server = stet::mail::Server::parse(&url).unwrap();
        let beside = app.beside_with(Mail::new(settings).unwrap()).await;
        forget(&beside, &app.new_user(Role::Editor)).await.assert(202);
        beside.becomes("SELECT count(*) FROM letters WHERE attempts = 1 AND next_at IS NOT NULL", 1).await;
        beside.becomes("SELECT count(*) FROM letters WHERE why IS NOT NULL AND next_at IS NOT NULL", 1).await;
        let known = app.number(&format!(
            "SELECT count(*) FROM letters WHERE next_at IS NOT NULL AND lower(why) LIKE lower('%{why}%')"
        ));
        assert_eq!(known, 1, "{url}: {why}");
        beside.jobs.stop().await;
        app.execute("DELETE FROM letters");
    }
    assert_eq!(plain.taken() + trusted.taken() + elsewhere.taken(), 0);
}

on_both_databases! {
    a_dead_mail_server_delays_and_fails_nothing,
    a_refusal_for_now_is_tried_again_and_later_each_time,
    a_refusal_for_good_is_given_up_and_kept,
    a_silent_mail_server_holds_up_nobody,
    many_processes_send_each_letter_once,
    a_letter_whose_sender_died_is_sent_by_another,
    what_came_too_late_is_not_sent,
    mail_goes_encrypted_and_under_our_name,
}

async fn the_log_and_the_database_hold_no_secret(kind: Kind) {
    let (target, _directory) = blocking(|| fresh(kind));
    let folder = tempfile::tempdir().unwrap();
    let post = Postbox::open_with(Encryption::Upgraded);
    let database = match &target {
        stet::db::Target::Sqlite(path) => format!("sqlite://{path}"),
        stet::db::Target::Postgres(url) => url.clone(),
    };
    let smtp = post.url();
    let settings = [
        ("DATABASE_URL", &*database),
        ("STET_SMTP_URL", &smtp),
        ("STET_MAIL_FROM", "The Desk <desk@lantern.example>"),
        ("STET_ACCOUNT_URL", "https://cms.lantern.example/"),
        ("STET_ADMIN_EMAIL", "mira@lantern.example"),
        ("STET_ADMIN_PASSWORD", PASSWORD),
        ("STET_LOG", "trace"),
    ];
    let mut server = Server::start(folder.path(), &[], &settings);
    let anyone = Client::new(&server.address, None);
    anyone.post("/auth/password/forgot", json!({"email": "mira@lantern.example"})).await.assert(202);
    let letter = post.letter_to("mira@lantern.example").await;
    assert_eq!(
        (letter.link(), letter.header("From")),
        ("https://cms.lantern.example/password/reset".into(), "\"The Desk\" <desk@lantern.example>".into())
    );
    let token = letter.token();
    // Before it is used, it stands nowhere but in the letter.
    if kind == Kind::Sqlite {
        for entry in
            std::fs::read_dir(std::path::Path::new(database.trim_start_matches("sqlite://")).parent().unwrap()).unwrap()
        {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in [&token, SECRET, "lantern.example/password"] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
            }
        }
    }
    let body = json!({"token": token, "password": ANOTHER});
    anyone.post("/auth/password/reset", body.clone()).await.assert(204);
    anyone.post("/auth/password/reset", body).await.assert(401);
    post.answers(Manner::Refuses("550 the letter says 4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"));
    let session = anyone.post("/auth/login", json!({"email": "mira@lantern.example", "password": ANOTHER})).await;
    let mira = Client::new(&server.address, Some(session.assert(200).text("/access_token")));
    mira.put("/me/password", json!({"current_password": ANOTHER, "new_password": PASSWORD})).await.assert(200);
    let began = Instant::now();
    while !server.stderr().contains("will not take it") {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", server.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop();
    let said = server.stderr() + &server.stdout();
    assert!(said.contains("a letter was sent") && said.contains("TRACE"), "{said}");
    for secret in [
        &token,
        ANOTHER,
        PASSWORD,
        SECRET,
        "p%40ss",
        "mira@lantern.example",
        "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A",
    ] {
        assert!(!said.contains(secret), "the log says {secret}: {said}");
    }
}

#[actix_web::test]
async fn the_log_and_an_sqlite_database_hold_no_secret() {
    the_log_and_the_database_hold_no_secret(Kind::Sqlite).await;
}

#[actix_web::test]
async fn the_log_over_postgres_holds_no_secret() {
    if crate::support::postgres::server().is_some() {
        the_log_and_the_database_hold_no_secret(Kind::Postgres).await;
    }
}

#[actix_web::test]
async fn the_pages_behind_the_links_ask_no_other_host_for_anything() {
    let app = TestApp::start(Kind::Sqlite).await;
    let script = app.anyone().get("//account.js").await;
    assert!(String::from_utf8_lossy(&script.assert(200).bytes).contains("location.hash"));
    for (page, operation) in [
        ("/email/confirm", "/auth/email/confirm"),
        ("/invitation", "/auth/invitation"),
        ("/password/forgot", "/auth/password/forgot"),
        ("/password/reset", "/auth/password/reset"),
    ] {
        let reply = app.anyone().get(&format!("/{page}")).await;
        let html = String::from_utf8(reply.assert(200).bytes.clone()).unwrap();
        assert!(html.contains(&format!("data-path=\"/api/v1{operation}\"")), "{html}");
        assert!(html.contains("src=\"/account.js\"") && !html.contains("://"), "{html}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    // What signs somebody in leaves no letter.
    sign_in(&app, &app.new_user(Role::Editor)).await;
    assert_eq!(app.number("SELECT count(*) FROM letters"), 0);
}
