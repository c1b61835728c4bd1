// Watches a page in which cases stand: tells the test which of them did something.
(() => {
    const told = [];
    const tell = (number, what) => told.push(`${number}: ${what}`);
    const own = (name, value) => Object.defineProperty(window, name, { value, writable: false, configurable: false });
    own("hit", (number) => tell(number, "a script ran"));
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) own(name, (number) => tell(number, `${name} was called`));

    const FORBIDDEN = new Set(("script style link meta base title iframe frame frameset fencedframe portal object embed applet " +
        "form button select option textarea dialog template noscript noembed noframes xmp plaintext svg math video audio " +
        "source track picture map area image bgsound marquee body head html isindex keygen").split(" "));
    const SCHEMES = { article: ["http:", "https:", "mailto:", "tel:"], comment: ["http:", "https:"], raw: ["http:", "https:", "mailto:", "tel:"] };
    const REL = { article: ["noopener", "noreferrer"], comment: ["nofollow", "ugc", "noopener", "noreferrer"], raw: [] };
    const FREE = new Set(["href", "hreflang", "rel", "title", "lang", "dir", "align", "alt", "src", "width", "height", "loading", "start",
        "size", "span", "colspan", "rowspan", "headers", "scope", "summary", "datetime", "type", "disabled", "checked"]);

    function look(number, policy, root, touched) {
        for (const element of root.querySelectorAll("*")) {
            const name = element.localName;
            if (element.namespaceURI !== "http://www.w3.org/1999/xhtml") tell(number, `<${name}> is not HTML`);
            if (FORBIDDEN.has(name) || name.includes("-")) tell(number, `<${name}>`);
            if (policy === "comment" && ["img", "input"].includes(name)) tell(number, `<${name}> in a comment`);
            if (name === "input" && !(element.type === "checkbox" && element.disabled)) tell(number, "an input that takes some");
            for (const { name: attribute, value } of element.attributes) {
                const named = attribute === "id" && value.startsWith("content-");
                const language = attribute === "class" && name === "code" && /^language-\S*$/.test(value);
                if (!FREE.has(attribute) && !named && !language) tell(number, `${attribute}="${value}"`);
            }
            if (name === "a" && element.hasAttribute("href")) {
                const scheme = element.protocol;
                // What is no address at all leads nowhere.
                if (scheme !== ":" && !SCHEMES[policy].includes(scheme)) tell(number, `a link to ${scheme}`);
                const rel = element.rel.split(" ");
                if (!REL[policy].every((token) => rel.includes(token))) tell(number, `a link with rel="${element.rel}"`);
            }
            if (name === "img" && element.hasAttribute("src") && !["http:", "https:"].includes(new URL(element.src, location).protocol)) {
                tell(number, `a picture from ${element.src}`);
            }
            if (!touched) continue;
            for (const kind of ["click", "dblclick", "mouseover", "mouseenter", "pointerenter", "pointerdown", "keydown", "focus", "blur",
                "focusin", "change", "input", "submit", "toggle", "beforetoggle", "close", "load", "error", "animationstart",
                "animationend", "transitionend", "scroll", "wheel", "copy", "paste", "drag", "drop", "contextmenu", "begin", "start"]) {
                // Links are looked at above; following them would end the page.
                const event = new Event(kind, { bubbles: false, cancelable: true });
                if (!(name === "a" && kind === "click")) element.dispatchEvent(event);
            }
        }
    }

    // The places that a front end writes HTML into after the page was loaded, and once more what the browser made of it.
    const PLACES = ["<div></div>", "<p></p>", "<table><tbody><tr><td></td></tr></tbody></table>"];

    function written(number, policy, html) {
        for (const place of PLACES) {
            let text = html;
            for (let round = 0; round < 2; round += 1) {
                const holder = document.createElement("div");
                holder.innerHTML = place;
                let inner = holder;
                while (inner.firstElementChild) inner = inner.firstElementChild;
                inner.innerHTML = text;
                document.body.append(holder);
                look(number, policy, inner, place === PLACES[0] && round === 0);
                text = inner.innerHTML;
                holder.remove();
            }
        }
        const read = new DOMParser().parseFromString(html, "text/html");
        look(number, policy, document.importNode(read.body, true));
        look(number, policy, document.createRange().createContextualFragment(html));
    }

    function feed(number, text) {
        const read = new DOMParser().parseFromString(text, "application/xml");
        if (read.querySelector("parsererror")) tell(number, "a feed is not XML");
        const items = [...read.querySelectorAll("item > description, item > *|encoded, entry > content[type=html]")];
        if (items.length < 5) tell(number, `a feed has ${items.length} texts`);
        for (const summary of read.querySelectorAll("entry > summary, entry > title")) {
            if (summary.getAttribute("type") !== null && summary.getAttribute("type") !== "text") tell(number, "a title that is HTML");
        }
        return items.map((item) => item.textContent);
    }

    window.addEventListener("load", async () => {
        const page = document.documentElement.dataset.page;
        const { cases, feeds } = await (await fetch(`/cases/${page}`)).json();
        const shown = [...document.querySelectorAll("body > .case")];
        for (const root of shown) look(root.dataset.case, root.dataset.policy, root, true);
        if (page !== "0" && document.querySelectorAll("body > .case + .after").length !== cases.length) tell(page, "a case left its place");
        for (const data of document.querySelectorAll(".data")) {
            try { JSON.parse(data.textContent); } catch { tell(data.dataset.case, "structured data ended early"); }
        }
        for (const { number, policy, html } of cases) written(number, policy, html);
        for (const { number, text } of feeds) feed(number, text).forEach((html) => written(number, "article", html));
        for (const name of ["body", "cookie", "head", "forms", "getElementById", "currentScript", "defaultView", "querySelector"]) {
            const found = document[name];
            if (found instanceof Element && found.closest(".case")) tell(found.closest(".case").dataset.case, `document.${name} is hidden`);
        }
        // What is late: errors of pictures, timers.
        await new Promise((done) => setTimeout(done, 400));
        const answer = await fetch(`/told/${page}`, { method: "POST", body: JSON.stringify({ told, seen: shown.length }) });
        const next = await answer.text();
        if (next) location.href = next;
    });
})();
