// The form that asks who you are.

import { useState } from "react";
import { Refused, Session } from "./session.js";

export function SignIn({ notice, onSession, onEnd }) {
  const [message, setMessage] = useState(notice);
  const [isWaiting, setWaiting] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const { username, password } = Object.fromEntries(new FormData(form));
    setWaiting(true);
    setMessage("");
    try {
      onSession(await Session.signIn(username, password, onEnd));
    } catch (failure) {
      setMessage(failure instanceof Refused ? failure.message : `The server did not answer: ${failure.message}`);
      setWaiting(false);
      form.elements.password.select();
    }
  }

  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <h1>
          <img src="/graphiql/icon.svg" alt="" width="32" height="32" /> Switchboard
        </h1>
        <label htmlFor="username">Username or e-mail</label>
        <input id="username" name="username" autoComplete="username" autoCapitalize="none" spellCheck="false" required autoFocus />
        <label htmlFor="password">Password</label>
        <input id="password" name="password" type="password" autoComplete="current-password" required aria-describedby="refusal" />
        <p id="refusal" className="refusal" role="alert">{message}</p>
        <button className="primary" disabled={isWaiting}>{isWaiting ? "Signing in …" : "Sign in"}</button>
        <button type="button" className="quiet" onClick={() => onSession(Session.nobody())}>Look around without signing in</button>
        <p className="hint">In development, <code>make run</code> prints a demo login in its terminal.</p>
        <p className="hint">No account yet? Look around, and run <em>Register a business</em> from the gallery.</p>
      </form>
    </main>
  );
}
