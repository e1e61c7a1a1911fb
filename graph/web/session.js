// Who is signed in: tokens in memory only, renewed before they expire, and requests that carry them.

import { createClient } from "graphql-ws";

const URL_HTTP = "/graphql";
const RENEW_BEFORE_MS = 60_000;
const JSON_TYPE = "application/json";

const AUTH = "accessToken refreshToken expiresIn userErrors { message }";
const LOGIN = `mutation Login($username: String!, $password: String!) {
  login(input: {username: $username, password: $password, deviceInfo: "GraphiQL"}) { ${AUTH} }
}`;
const REFRESH = `mutation TokenRefresh($refreshToken: String!) {
  tokenRefresh(input: {refreshToken: $refreshToken}) { ${AUTH} }
}`;
const LOGOUT = "mutation Logout { logout(input: {}) { userErrors { message } } }";
const VIEWER = "query Viewer { viewer { user { displayName } workspace { name } } }";

/** What the server refused, in its own words. */
export class Refused extends Error {}

/** One person's session, or nobody's. `onEnd(message)` is called when the server ends it. */
export class Session {
  static nobody() {
    return new Session(null, () => {});
  }

  /** Signs in; Refused with the server's message where it will not have it. */
  static async signIn(username, password, onEnd) {
    const session = new Session(await tokens(LOGIN, { username, password }), onEnd);
    const { viewer } = await session.ask(VIEWER);
    session.name = viewer.user?.displayName ?? "";
    session.workspace = viewer.workspace.name;
    return session;
  }

  constructor(given, onEnd) {
    this.name = this.workspace = "";
    this.onEnd = onEnd;
    this.sockets = createClient({
      url: () => location.origin.replace(/^http/, "ws") + URL_HTTP,
      connectionParams: () => this.headers(),
    });
    this.keep(given);
  }

  get isSignedIn() {
    return this.given !== null;
  }

  keep(given) {
    this.given = given;
    clearTimeout(this.timer);
    if (given) {
      const lifetime = given.expiresIn * 1000;
      this.renewAt = Date.now() + lifetime - Math.min(RENEW_BEFORE_MS, lifetime / 2);
      this.timer = setTimeout(() => this.headers().catch(() => {}), this.renewAt - Date.now());
    }
  }

  /** What says who asks. The timer of a page in the background may be late, so it is checked here as well. */
  async headers() {
    if (this.given && Date.now() >= this.renewAt) {
      // One renewal for all who wait: a refresh token works once.
      this.renewal ??= this.renew().finally(() => (this.renewal = null));
      await this.renewal;
    }
    return this.given ? { authorization: `Bearer ${this.given.accessToken}` } : {};
  }

  async renew() {
    try {
      const given = await tokens(REFRESH, { refreshToken: this.given.refreshToken });
      if (this.given) this.keep(given);
    } catch (failure) {
      // A server that cannot be reached now may be there again for the next request.
      if (!(failure instanceof Refused)) throw failure;
      this.end();
      this.onEnd(failure.message);
    }
  }

  /** `fetch` for GraphiQL. A header that was typed in by hand wins. */
  fetch = async (url, options) =>
    fetch(url, { ...options, headers: { ...(await this.headers()), ...lower(options.headers) } });

  async ask(query, variables) {
    return ask(query, variables, await this.headers());
  }

  async signOut() {
    try {
      if (this.given) await this.ask(LOGOUT);
    } finally {
      this.end();
    }
  }

  end() {
    this.keep(null);
    this.sockets.terminate();
    this.sockets.dispose();
  }
}

async function tokens(query, variables) {
  const [payload] = Object.values(await ask(query, variables, {}));
  if (payload.userErrors.length) throw new Refused(payload.userErrors[0].message);
  return payload;
}

async function ask(query, variables, headers) {
  const response = await fetch(URL_HTTP, {
    method: "POST",
    headers: { ...headers, accept: JSON_TYPE, "content-type": JSON_TYPE },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Refused(errors[0].message);
  return data;
}

function lower(headers) {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
