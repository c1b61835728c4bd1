//! Signing in at a provider: the way there and back, whose word counts, and what it is worth.

mod accounts;
mod audit;
mod providers;

use super::with_token;
use crate::{
    on_both_databases,
    support::{
        Client, Kind, Reply, TestApp, blocking,
        provider::{CLIENT_ID, CLIENT_SECRET, Forged, Key, StandIn},
    },
};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use stet::{
    auth::{
        SignIn,
        oidc::{Providers, Ticket, challenge_of},
    },
    clock,
    db::Id,
    permissions::Role::{Admin, Editor},
};

const DESK: &str = "https://desk.lantern.example/signed-in";
const CMS: &str = "https://cms.lantern.example";
const VERIFIER: &str = "a random text that the front end keeps to itself";
/// Roles by groups.
const ROLES: &str = r#"roles_claim = "groups"
roles = { desk = "editor", chiefs = "admin", writers = "author" }
"#;

/// A newsroom whose staff signs in at a provider.
struct House {
    app: TestApp,
    provider: StandIn,
}

fn entry(name: &str, issuer: &str, more: &str) -> String {
    let secret = format!("client_id = {CLIENT_ID:?}\nclient_secret = {CLIENT_SECRET:?}");
    format!("[providers.{name}]\ntitle = \"The house\"\nissuer = \"{issuer}\"\n{secret}\n{more}\n")
}

fn providers(entries: &str) -> Providers {
    let text = format!("return_to = [\"{DESK}\", \"{DESK}/elsewhere\"]\napi_url = \"{CMS}\"\n{entries}");
    blocking(|| Providers::parse(&text, "https://news.example").unwrap())
}

impl House {
    async fn open(kind: Kind, more: &str) -> Self {
        let provider = StandIn::start().await;
        let settings = entry("house", &provider.issuer, more);
        let sign_in = SignIn { totp_required: vec![Admin, Editor], providers: providers(&settings) };
        Self { app: TestApp::start_signing_in(kind, sign_in).await, provider }
    }

    async fn begin(&self) -> Begun {
        Begun::at(&self.app, "house").await
    }

    /// The whole way: the code for the front end, or the error.
    async fn come_back(&self) -> Result<String, String> {
        self.begin().await.through(&self.app).await
    }

    /// Signs in, and gives the session.
    async fn enter(&self) -> Reply {
        let session = exchange(&self.app, &self.come_back().await.unwrap()).await;
        session.assert(200);
        session
    }

    fn person(&self, claim: &str, value: impl Into<Value>) {
        let value = value.into();
        self.provider.set(|state| state.person[claim] = value);
    }

    fn users(&self) -> i64 {
        self.app.number("SELECT count(*) FROM users")
    }
}

/// A browser that was sent to the provider.
struct Begun {
    place: String,
    cookie: String,
}

impl Begun {
    async fn at(app: &TestApp, provider: &str) -> Self {
        let path = format!("/auth/oidc/{provider}?code_challenge={}", challenge_of(VERIFIER));
        let sent = app.anyone().get(&path).await;
        let cookie = sent.assert(302).header("set-cookie").split(';').next().unwrap().to_owned();
        Self { place: sent.header("location").to_owned(), cookie }
    }

    /// Signs in at the provider, which sends the browser to this path.
    async fn back(&self) -> String {
        let http = awc::Client::builder().disable_redirects().finish();
        let sent = http.get(&self.place).send().await.unwrap();
        let place = sent.headers().get("location").unwrap().to_str().unwrap();
        place.strip_prefix(&format!("{CMS}/api/v1")).unwrap().to_owned()
    }

    fn browser(&self, app: &TestApp) -> Client {
        app.anyone().with("cookie", &self.cookie)
    }

    async fn through(&self, app: &TestApp) -> Result<String, String> {
        outcome(&self.browser(app).get(&self.back().await).await)
    }
}

/// What the front end is told.
fn outcome(sent: &Reply) -> Result<String, String> {
    let (place, fragment) = sent.assert(302).header("location").split_once('#').unwrap();
    assert_eq!((place, sent.header("cache-control")), (DESK, "no-store"));
    assert!(sent.header("set-cookie").contains("Max-Age=0"));
    let told: Vec<(String, String)> = form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
    match told[0].0.as_str() {
        "code" => Ok(told[0].1.clone()),
        "error" => Err(told[0].1.clone()),
        other => panic!("{other}"),
    }
}

async fn exchange(app: &TestApp, code: &str) -> Reply {
    let body = json!({"code": code, "code_verifier": VERIFIER, "device_name": "desk"});
    app.anyone().post("/auth/code", body).await
}

/// The subject that the next ones are, so that each is somebody new.
fn somebody(house: &House) {
    let name = Id::new().to_string();
    house.person("sub", name.clone());
    house.person("email", format!("{name}@lantern.example"));
}

async fn the_staff_sign_in_at_a_provider(app: TestApp) {
    assert_eq!(app.anyone().get("/auth/oidc").await.assert(200).json, json!({"data": []}));
    app.anyone().get(&format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER))).await.assert(404);
    let house = House::open(app.kind(), ROLES).await;
    let listed = house.app.anyone().get("/auth/oidc").await;
    assert_eq!(listed.json, json!({"data": [{"name": "house", "title": "The house"}]}));
    for path in ["/auth/oidc/house", "/auth/oidc/house?code_challenge=short"] {
        house.app.anyone().get(path).await.assert_problem(400, "invalid_parameter");
    }
    let path = format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER));
    let cookie = house.app.anyone().get(&path).await.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-stet_sign_in="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");

    let code = house.come_back().await.unwrap();
    let session = exchange(&house.app, &code).await;
    let user = &session.assert(200).json["user"];
    assert_eq!((&user["email"], &user["name"]), (&json!("ada@lantern.example"), &json!("Ada Quill")));
    assert_eq!((&user["role"], &user["invited"]), (&json!("editor"), &json!(true)));
    // The provider's second factor counts where the role asks for one.
    assert_eq!(session.json["second_factor_missing"], false);
    let ada = with_token(&house.app, &session.text("/access_token"));
    ada.get("/articles").await.assert(200);
    assert_eq!(house.app.number("SELECT count(*) FROM audit WHERE action = 'exchange_code'"), 1);
    let listed = ada.get("/me/sessions").await;
    assert_eq!(
        (listed.column("signed_in_by"), listed.column("device_name")),
        (vec!["provider".into()], vec!["desk".into()])
    );
    let day = clock::now().plus(Duration::from_secs(24 * 60 * 60 + 1)).to_string();
    assert!(listed.text("/data/0/expires_at") < day);
    ada.put("/me/totp", json!({"current_password": "none at all"})).await.assert_problem(409, "conflict");
    // A code is good once, and for who began.
    exchange(&house.app, &code).await.assert_problem(401, "invalid_token");
    let code = house.come_back().await.unwrap();
    let stolen = json!({"code": code, "code_verifier": "another text that is long enough for a verifier"});
    house.app.anyone().post("/auth/code", stolen).await.assert_problem(401, "invalid_token");
    exchange(&house.app, &code).await.assert_problem(401, "invalid_token");
    let code = house.come_back().await.unwrap();
    house.app.execute("UPDATE sign_in_codes SET expires_at = expires_at - 121000000");
    exchange(&house.app, &code).await.assert_problem(401, "invalid_token");
    house.app.app.db.write(|conn| stet::auth::clean_up(conn, clock::now())).await.unwrap();
    assert_eq!(house.app.number("SELECT count(*) FROM sign_in_codes"), 0);
    // It is the same person each time, and twenty who send one code at once get one session.
    assert_eq!(house.enter().await.json["user"]["id"], user["id"]);
    let code = house.come_back().await.unwrap();
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (client, body) = (house.app.anyone(), json!({"code": code, "code_verifier": VERIFIER}));
            actix_web::rt::spawn(async move { client.post("/auth/code", body).await.status == 200 })
        })
        .collect();
    let mut opened = 0;
    for attempt in tries {
        opened += usize::from(attempt.await.unwrap());
    }
    assert_eq!((opened, house.users()), (1, 1));
}

async fn the_way_back_is_for_the_browser_that_began(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let (one, other) = (house.begin().await, house.begin().await);
    let back = one.back().await;
    let stranger = house.app.anyone();
    stranger.get(&back).await.assert_problem(400, "sign_in_invalid");
    other.browser(&house.app).get(&back).await.assert_problem(400, "sign_in_invalid");
    let mut cut = one.cookie.clone();
    cut.replace_range(cut.len() - 9..cut.len() - 8, "~");
    stranger.with("cookie", cut).get(&back).await.assert_problem(400, "sign_in_invalid");
    let (path, _) = back.split_once('?').unwrap();
    let browser = one.browser(&house.app);
    for query in ["", "?code=x", "?code=x&state=", &format!("?code=x&state={}", Id::new())] {
        browser.get(&format!("{path}{query}")).await.assert_problem(400, "sign_in_invalid");
    }
    let sealed = one.cookie.split_once('=').unwrap().1;
    for (minutes, good) in [(9, true), (10, false)] {
        let then = clock::now().plus(Duration::from_secs(60 * minutes));
        assert_eq!(Ticket::open(sealed, &house.app.app.keys, then).is_some(), good);
    }
    assert_eq!(house.provider.asked("/token"), 0);
}

async fn an_attempt_comes_back_once(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let begun = house.begin().await;
    let (back, browser) = (begun.back().await, begun.browser(&house.app));
    outcome(&browser.get(&back).await).unwrap();
    // It is over, whoever still has the cookie and the address.
    browser.get(&back).await.assert_problem(400, "sign_in_invalid");
    assert_eq!(house.provider.asked("/token"), 1);
}

async fn a_code_that_was_somebody_elses_does_not_fit(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    // Somebody else's code does not fit an attempt: the provider holds it to the verifier.
    let (mine, theirs) = (house.begin().await, house.begin().await);
    let code_of = |back: &str| back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let (my_back, their_back) = (mine.back().await, theirs.back().await);
    let injected = my_back.replace(&code_of(&my_back), &code_of(&their_back));
    assert_eq!(outcome(&mine.browser(&house.app).get(&injected).await), Err("identity_invalid".into()));
}

async fn one_is_sent_back_to_an_address_of_the_settings_alone(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let path = format!("/auth/oidc/house?code_challenge={}&return_to=", challenge_of(VERIFIER));
    for evil in [
        "https://evil.example",
        "//evil.example",
        &format!("{DESK}.evil.example"),
        &format!("{DESK}?x"),
        &format!("{DESK}/"),
    ] {
        let refused = house.app.anyone().get(&format!("{path}{evil}")).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes()[0].0, "return_to", "{evil}");
    }
    let sent = house.app.anyone().get(&format!("{path}{DESK}/elsewhere")).await;
    let cookie = sent.assert(302).header("set-cookie").split(';').next().unwrap().to_owned();
    let begun = Begun { place: sent.header("location").to_owned(), cookie };
    let back = begun.browser(&house.app).get(&begun.back().await).await;
    assert!(back.header("location").starts_with(&format!("{DESK}/elsewhere#code=")), "{back:?}");
}

async fn what_a_provider_says_holds_or_is_refused(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let now = clock::now().seconds();
    let wrong: Vec<(&str, Value)> = vec![
        ("a nonce of another attempt", json!({"nonce": "of another attempt"})),
        ("no nonce", json!({"nonce": null})),
        ("for another", json!({"aud": "elsewhere"})),
        ("for nobody", json!({"aud": null})),
        ("for several, and it does not say for whom", json!({"aud": [CLIENT_ID, "elsewhere"]})),
        ("made for another", json!({"aud": [CLIENT_ID, "elsewhere"], "azp": "elsewhere"})),
        ("made for another alone", json!({"azp": "elsewhere"})),
        ("by another", json!({"iss": "https://elsewhere.example"})),
        ("by nobody", json!({"iss": null})),
        ("by several", json!({"iss": [house.provider.issuer, "https://elsewhere.example"]})),
        ("over", json!({"exp": now - 100})),
        ("never over", json!({"exp": null})),
        ("over at no time", json!({"exp": "tomorrow"})),
        ("made long ago", json!({"iat": now - 3600})),
        ("made later", json!({"iat": now + 3600})),
        ("made at no time", json!({"iat": null})),
        ("not good yet", json!({"nbf": now + 3600})),
        ("with another access token", json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"})),
        ("of nobody", json!({"sub": null})),
        ("of nobody with a name", json!({"sub": ""})),
    ];
    for (what, claims) in wrong {
        house.provider.set(|state| state.claims = claims);
        assert_eq!(house.come_back().await, Err("identity_invalid".into()), "{what}");
    }
    house.provider.set(|state| state.claims = json!({}));
    for (what, header) in [
        ("an access token", json!({"typ": "at+jwt"})),
        ("terms that we do not know", json!({"crit": ["exp"]})),
        ("another algorithm", json!({"alg": "RS256"})),
        ("an unknown key", json!({"kid": "unknown"})),
    ] {
        house.provider.set(|state| state.header = header);
        assert_eq!(house.come_back().await, Err("identity_invalid".into()), "{what}");
    }
    house.provider.set(|state| state.header = json!({}));
    use Forged::{AlgNone, ByAStranger, Unsigned, WithThePublicKey, WithTheSecret};
    for forged in [AlgNone, Unsigned, WithTheSecret, WithThePublicKey, ByAStranger] {
        house.provider.set(|state| state.forged = Some(forged));
        assert_eq!(house.come_back().await, Err("identity_invalid".into()), "{forged:?}");
    }
    house.provider.set(|state| state.forged = None);
    assert_eq!((house.users(), house.app.number("SELECT count(*) FROM sign_in_codes")), (0, 0));
    // What differs in nothing that matters passes.
    for claims in [
        json!({"aud": [CLIENT_ID]}),
        json!({"aud": [CLIENT_ID, "elsewhere"], "azp": CLIENT_ID}),
        json!({"at_hash": null}),
        json!({"exp": now - 30, "nbf": now}),
    ] {
        house.provider.set(|state| state.claims = claims.clone());
        house.come_back().await.unwrap_or_else(|error| panic!("{claims}: {error}"));
    }
}

async fn a_providers_keys_may_be_of_any_kind_and_change(app: TestApp) {
    for (key, in_form) in [(Key::rsa as fn() -> Key, false), (Key::ec, true), (Key::ed, false)] {
        let house = House::open(app.kind(), ROLES).await;
        house.provider.set(|state| (state.key, state.secret_in_form) = (key(), in_form));
        house.enter().await;
        house.provider.set(|state| (state.key, state.kid) = (key(), "second".into()));
        house.enter().await;
        assert_eq!(house.provider.asked("/jwks"), 2);
        // Unknown keys are no way to make us ask the provider again and again.
        for kid in ["third", "fourth"] {
            house.provider.set(|state| state.kid = kid.into());
            assert_eq!(house.come_back().await, Err("identity_invalid".into()));
        }
        assert_eq!(house.provider.asked("/jwks"), 2);
        // A token that names no key is held against the only one.
        house.provider.set(|state| (state.kid, state.header) = ("second".into(), json!({"kid": null})));
        house.enter().await;
        assert_eq!(house.provider.asked("/.well-known/openid-configuration"), 1);
    }
}

async fn an_answer_is_the_one_of_the_provider_that_was_asked(app: TestApp) {
    let (good, evil) = (StandIn::start().await, StandIn::start().await);
    let settings = [entry("good", &good.issuer, ROLES), entry("evil", &evil.issuer, ROLES)].concat();
    let app =
        TestApp::start_signing_in(app.kind(), SignIn { providers: providers(&settings), ..SignIn::default() }).await;
    let begun = Begun::at(&app, "evil").await;
    // The one begun with the evil one is not gone on with at the good one.
    let back = begun.back().await.replace("/oidc/evil/", "/oidc/good/");
    begun.browser(&app).get(&back).await.assert_problem(400, "sign_in_invalid");
    assert_eq!(good.asked("/token"), 0);
    let begun = Begun::at(&app, "good").await;
    let iss: String = form_urlencoded::byte_serialize(evil.issuer.as_bytes()).collect();
    let mixed = format!("{}&iss={iss}", begun.back().await);
    assert_eq!(outcome(&begun.browser(&app).get(&mixed).await), Err("identity_invalid".into()));
    assert_eq!(good.asked("/token"), 0);
    // Who says that it names itself has to.
    let house = House::open(app.kind(), ROLES).await;
    house.provider.set(|state| state.metadata = json!({"authorization_response_iss_parameter_supported": true}));
    assert_eq!(house.come_back().await, Err("identity_invalid".into()));
    let begun = house.begin().await;
    let iss: String = form_urlencoded::byte_serialize(house.provider.issuer.as_bytes()).collect();
    let named = format!("{}&iss={iss}", begun.back().await);
    outcome(&begun.browser(&house.app).get(&named).await).unwrap();
    // Who changed their mind there comes back without a code.
    let begun = house.begin().await;
    let back = begun.back().await;
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let cancelled = format!("/auth/oidc/house/callback?error=access_denied&state={state}&iss={iss}");
    assert_eq!(outcome(&begun.browser(&house.app).get(&cancelled).await), Err("sign_in_refused".into()));
}

async fn a_key_signs_in_nowhere(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    house.person("groups", json!(["chiefs"]));
    let admin = with_token(&house.app, &house.enter().await.text("/access_token"));
    let key = admin.post("/api-keys", json!({"name": "A key", "role": "admin"})).await.assert(201).text("/token");
    let key = with_token(&house.app, &key);
    let begin = format!("/auth/oidc/house?code_challenge={}", challenge_of(VERIFIER));
    for path in ["/auth/oidc", &begin, "/auth/oidc/house/callback?code=x&state=y"] {
        key.send(Method::GET, path, None).await.assert_problem(403, "not_for_keys");
    }
    let code = json!({"code": house.come_back().await.unwrap(), "code_verifier": VERIFIER});
    key.post("/auth/code", code).await.assert_problem(403, "not_for_keys");
}

on_both_databases! {
    the_staff_sign_in_at_a_provider,
    the_way_back_is_for_the_browser_that_began,
    an_attempt_comes_back_once,
    a_code_that_was_somebody_elses_does_not_fit,
    one_is_sent_back_to_an_address_of_the_settings_alone,
    what_a_provider_says_holds_or_is_refused,
    a_providers_keys_may_be_of_any_kind_and_change,
    an_answer_is_the_one_of_the_provider_that_was_asked,
    a_key_signs_in_nowhere,
}
