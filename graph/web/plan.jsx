// How the server executed what was run last, as a waterfall of its statements: a pane of GraphiQL, in development.

import { useEffect, useSyncExternalStore } from "react";

const WAYS = {
  plan: "Executed by its compiled plan",
  fallback: "Executed by the stock executor, statement by statement",
  surprise: "Begun by its plan, and executed by the stock executor",
};

/** What the pane and the fetcher share: whether to ask for the plan, and the last one that was told. */
class Planned {
  isShown = false;
  #last = null;
  #listeners = new Set();

  /** An answer without its plan, which goes to the pane. */
  take = (answer) => {
    const { plan, ...extensions } = answer?.extensions ?? {};
    this.tell(plan ?? null);
    return plan ? { ...answer, extensions } : answer;
  };

  tell(plan) {
    this.#last = plan;
    this.#listeners.forEach((hear) => hear());
  }

  last = () => this.#last;

  subscribe = (hear) => {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  };
}

export const planned = new Planned();

function Plan() {
  const plan = useSyncExternalStore(planned.subscribe, planned.last);
  useEffect(() => {
    planned.isShown = true;
    return () => {
      planned.isShown = false;
    };
  }, []);
  return (
    <section className="plan" aria-label="Plan">
      <h2 className="gallery-title">Plan</h2>
      <div role="status">{plan ? <Summary plan={plan} /> : <p>Run an operation while this pane is open.</p>}</div>
      {plan && <Waterfall statements={plan.statements} />}
    </section>
  );
}

function Summary({ plan: { by, why, statements } }) {
  const rows = statements.reduce((sum, each) => sum + each.rows, 0);
  return (
    <p>
      {WAYS[by]}{why ? `: ${why}` : ""}. {count(statements.length, "statement")}, {count(rows, "row")}, {end(statements)} ms.
    </p>
  );
}

function Waterfall({ statements }) {
  const share = (part) => `${(100 * part) / (end(statements) || 1)}%`;
  return (
    <ol>
      {statements.map((each, place) => (
        <li key={place}>
          <details>
            <summary>
              {count(each.rows, "row")}, {each.milliseconds} ms
              <span
                className="plan-bar"
                aria-hidden="true"
                style={{ marginInlineStart: share(each.at), inlineSize: share(each.milliseconds) }}
              />
            </summary>
            <pre>{each.sql}</pre>
          </details>
        </li>
      ))}
    </ol>
  );
}

/** When the last statement ended, in milliseconds since the operation began. */
function end(statements) {
  return Math.round(1_000 * Math.max(0, ...statements.map((each) => each.at + each.milliseconds))) / 1_000;
}

function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function PlanIcon(props) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" {...props}>
      <path d="M3 5h8M7 10h9M12 15h6M15 20h6" />
    </svg>
  );
}

export const PLAN = { title: "Plan", icon: PlanIcon, content: Plan };
