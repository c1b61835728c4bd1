// The token stands behind the # of the link, which browsers do not send: it is in no log and no Referer.
const form = document.getElementById("form");
const answer = document.getElementById("answer");
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  if (token) fields.token = token;
  const response = await fetch(form.dataset.path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
  if (response.ok) {
    answer.textContent = form.dataset.done;
    form.remove();
  } else {
    const problem = await response.json();
    const mistakes = problem.errors.map((e) => e.message);
    answer.textContent = mistakes.length > 0 ? mistakes.join("\n") : problem.detail;
  }
});
