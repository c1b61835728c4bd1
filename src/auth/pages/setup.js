// The token stands behind the # of the link, which browsers do not send: it is in no log and no Referer.
const form = document.getElementById("form");
const answer = document.getElementById("answer");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  const response = await fetch("/api/v1/auth/setup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: location.hash.slice(1), ...fields }),
  });
  const body = await response.json();
  if (response.ok) {
    form.remove();
    answer.textContent = `Welcome, ${body.user.name}. Sign in with POST /api/v1/auth/login; /docs shows the rest.`;
  } else {
    answer.textContent = [body.detail, ...body.errors.map((e) => `${e.pointer}: ${e.message}`)].join("\n");
  }
});
