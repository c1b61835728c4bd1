// What a news site's front end does with the API, written against the generated types. It is compiled, never run.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/stet.js";

type Article = components["schemas"]["Article"];
type Teaser = components["schemas"]["Teaser"];
type Problem = components["schemas"]["Problem"];

// Whole answers are `application/json`; those to `fields=` have a media type of their own, which this client does not ask for.
const api = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl: "http://127.0.0.1:8080",
  querySerializer: { array: { style: "form", explode: false } },
});

/** The article page in one request. */
export async function articlePage(slug: string): Promise<string> {
  const { data, error } = await api.GET("/api/v1/articles/{ref}", {
    params: { path: { ref: slug }, query: { include: ["related", "latest", "comments"] } },
  });
  if (error) return explain(error);
  return [headline(data), data.body?.html ?? "", ...(data.related ?? []).map(teaser)].join("\n");
}

/** The first page of a tag, newest first. */
export async function latestAbout(tag: string): Promise<{ headlines: string[]; next: string | null }> {
  const { data, error } = await api.GET("/api/v1/articles", {
    params: { query: { tag: [tag], sort: "-published_at", limit: 20 } },
  });
  if (error) throw new Error(explain(error));
  return { headlines: data.data.map((article) => article.title), next: data.page.next_cursor };
}

/** A guest's reply. */
export async function reply(slug: string, body: string): Promise<boolean> {
  const { data } = await api.POST("/api/v1/articles/{ref}/comments", {
    params: { path: { ref: slug } },
    body: { name: "Ada", email: "ada@example.org", body },
  });
  return data?.status === "approved";
}

/** What an editor does: sign in, write, correct unless somebody else was faster, publish. */
export async function write(email: string, password: string): Promise<Article> {
  const session = await api.POST("/api/v1/auth/login", { body: { email, password } });
  if (session.error) throw new Error(explain(session.error));
  const headers = { Authorization: `Bearer ${session.data.access_token}` };

  const written = await api.POST("/api/v1/articles", { headers, body: { title: "Hello" } });
  if (written.error) throw new Error(explain(written.error));
  const path = { ref: written.data.id };

  const etag = written.response.headers.get("ETag") ?? "*";
  const corrected = await api.PATCH("/api/v1/articles/{ref}", {
    params: { path, header: { "If-Match": etag } },
    headers,
    body: { title: "Hello, world", subtitle: null },
  });
  if (corrected.error) throw new Error(explain(corrected.error));

  await api.PUT("/api/v1/articles/{ref}/publication", { params: { path }, headers, body: {} });
  return corrected.data;
}

function headline(article: Article): string {
  const bylines = article.authors.map((author) => author.name).join(", ");
  return `${article.section?.name ?? "News"}: ${article.title} (${bylines}, ${article.published_at ?? "unpublished"})`;
}

function teaser(story: Teaser): string {
  return `${story.title} (${story.published_at ?? "unpublished"}): ${story.excerpt}`;
}

function explain(problem: Problem): string {
  const errors = problem.errors.map((error) => `${error.pointer}: ${error.message}`);
  return [`${problem.status} ${problem.code}: ${problem.title}`, ...errors].join("; ");
}
