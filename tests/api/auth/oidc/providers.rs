//! What a provider is asked and what it says of itself, and what is done where it does not answer.

use super::{Begun, House, ROLES, VERIFIER, entry, providers};
use crate::{
    on_both_databases,
    support::{TestApp, provider::StandIn},
};
use serde_json::json;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};
use stet::{
    auth::{SignIn, oidc::challenge_of},
    clock,
};

async fn a_provider_that_is_gone_is_told_of_soon(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let path = format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER));
    let begin = async || house.app.anyone().get(&path).await;
    let rest = async || actix_web::rt::time::sleep(Duration::from_millis(3100)).await;
    house.provider.set(|state| state.broken = Some("/.well-known/openid-configuration"));
    for _ in 0..3 {
        let gone = begin().await;
        assert!(!gone.assert_problem(503, "provider_unavailable").header("retry-after").is_empty());
    }
    // It was asked once: nobody queues for one that does not answer.
    assert_eq!(house.provider.asked("/.well-known/openid-configuration"), 1);
    rest().await;
    for wrong in [
        json!({"issuer": "https://elsewhere.example"}),
        json!({"token_endpoint": "http://elsewhere.example/token"}),
        json!({"jwks_uri": null}),
    ] {
        house.provider.set(|state| (state.broken, state.metadata) = (None, wrong));
        begin().await.assert_problem(503, "provider_unavailable");
        rest().await;
    }
    house.provider.set(|state| state.metadata = json!({}));
    house.enter().await;
    house.provider.set(|state| state.broken = Some("/token"));
    assert_eq!(house.come_back().await, Err("provider_unavailable".into()));

    // One that takes a connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", silent.local_addr().unwrap());
    let sign_in = SignIn { providers: providers(&entry("house", &issuer, ROLES)), ..SignIn::default() };
    let app = TestApp::start_signing_in(app.kind(), sign_in).await;
    let began = Instant::now();
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (client, path) = (app.anyone(), path.clone());
            actix_web::rt::spawn(async move { client.get(&path).await.status.as_u16() })
        })
        .collect();
    // Who asks for something else does not wait.
    app.anyone().get("/tags").await.assert(200);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    for attempt in tries {
        assert_eq!(attempt.await.unwrap(), 503);
    }
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

async fn whoever_asks_while_a_provider_rests_keeps_nobody_out(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let path = format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER));
    let begin = async || house.app.anyone().get(&path).await.status.as_u16();
    house.provider.set(|state| state.broken = Some("/.well-known/openid-configuration"));
    assert_eq!(begin().await, 503);
    house.provider.set(|state| state.broken = None);
    // It rests for three seconds, however often somebody presses the button.
    let (began, mut refused) = (Instant::now(), 0);
    while begin().await == 503 {
        assert!(began.elapsed() < Duration::from_secs(30), "it rests for ever");
        refused += 1;
        actix_web::rt::time::sleep(Duration::from_millis(400)).await;
    }
    assert!(refused > 0, "it does not rest");
    house.enter().await;
}

async fn what_a_provider_said_holds_for_a_day(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let (provider, caller) = house.app.app.sign_in.providers.find("house").unwrap();
    let hence = |hours: u64| clock::now().plus(Duration::from_secs(hours * 3600));
    let metadata = provider.metadata(caller, hence(0)).await.unwrap();
    provider.key(caller, &metadata, None, hence(0)).await.unwrap();
    // Within the hour it is not even asked; for the rest of the day it stands in for one that does not answer.
    for hours in [0, 2, 23, 25] {
        house.provider.set(|state| state.broken = Some("/jwks"));
        let key = provider.key(caller, &metadata, None, hence(hours)).await;
        house.provider.set(|state| state.broken = Some("/.well-known/openid-configuration"));
        let again = provider.metadata(caller, hence(hours).plus(Duration::from_secs(60))).await;
        assert_eq!((key.is_ok(), again.is_ok()), (hours < 24, hours < 24), "after {hours} hours");
    }
    assert_eq!(house.provider.asked("/jwks"), 1 + 3);
}

async fn nothing_is_asked_where_a_provider_sends_elsewhere(app: TestApp) {
    for moved in ["/.well-known/openid-configuration", "/token", "/jwks"] {
        let house = House::open(app.kind(), ROLES).await;
        house.provider.set(|state| state.moved = Some(moved));
        if moved.starts_with("/.") {
            let path = format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER));
            house.app.anyone().get(&path).await.assert_problem(503, "provider_unavailable");
        } else {
            assert_eq!(house.come_back().await, Err("provider_unavailable".into()), "{moved}");
        }
        assert_eq!((house.provider.asked(moved), house.provider.asked(&format!("/moved{moved}"))), (1, 0));
    }
}

async fn a_provider_may_have_a_number_and_scopes_of_its_own(app: TestApp) {
    let provider = StandIn::start().await;
    for (scopes, expected) in [
        ("", "openid email profile"),
        ("scopes = [\"email\"]", "openid email"),
        ("scopes = [\"email\", \"openid\"]", "email openid"),
    ] {
        let settings = entry("house-2", &provider.issuer, &format!("{scopes}\n{ROLES}"));
        let sign_in = SignIn { providers: providers(&settings), ..SignIn::default() };
        let app = TestApp::start_signing_in(app.kind(), sign_in).await;
        let place = url::Url::parse(&Begun::at(&app, "house-2").await.place).unwrap();
        assert_eq!(place.query_pairs().find(|(name, _)| name == "scope").unwrap().1, expected);
    }
}

on_both_databases! {
    a_provider_that_is_gone_is_told_of_soon,
    whoever_asks_while_a_provider_rests_keeps_nobody_out,
    what_a_provider_said_holds_for_a_day,
    nothing_is_asked_where_a_provider_sends_elsewhere,
    a_provider_may_have_a_number_and_scopes_of_its_own,
}
