// What GraphiQL leaves wanting for people who read by ear or need contrast.

import { useGraphiQLActions, useMonaco } from "@graphiql/react";
import { useEffect } from "react";

/**
 * Its tabs are buttons inside of elements that call themselves tabs, which assistive technology cannot enter:
 * they become what they are, a list of buttons, one of them current.
 */
function mendTabs(page) {
  for (const tab of page.querySelectorAll(".graphiql-tab")) {
    tab.parentElement.removeAttribute("role");
    tab.removeAttribute("role");
    tab.removeAttribute("aria-selected");
    tab.querySelector(".graphiql-tab-button")?.setAttribute("aria-current", tab.matches(".graphiql-tab-active"));
  }
}

/** The explorer's fields answer the mouse alone, and do not say whether they are chosen or open. */
function mendExplorer(page) {
  for (const field of page.querySelectorAll('.graphiql-plugin span[style*="cursor: pointer"]')) {
    const circle = field.querySelector(":scope > svg circle");
    const arrow = field.querySelector(":scope > svg");
    field.tabIndex = 0;
    field.setAttribute("role", "button");
    if (circle) field.setAttribute("aria-pressed", circle.getAttribute("r") === "7.5");
    else if (arrow) field.setAttribute("aria-expanded", arrow.style.transform !== "");
  }
  page.querySelector(".graphiql-plugin select:not([aria-label])")?.setAttribute("aria-label", "Kind of operation");
}

function press(event) {
  const field = event.target;
  if (["Enter", " "].includes(event.key) && field.matches('span[role="button"]')) {
    event.preventDefault();
    field.click();
  }
}

/** The history's buttons are all called “Set active”. */
function mendHistory(page) {
  page.querySelectorAll(".graphiql-history-item-label[aria-label]").forEach((each) => each.removeAttribute("aria-label"));
}

/** Keeps what GraphiQL draws inside of the element mended. */
export function useMended(element) {
  useEffect(() => {
    const page = element.current;
    const mend = () => [mendTabs, mendExplorer, mendHistory].forEach((each) => each(page));
    const watch = new MutationObserver(mend);
    watch.observe(page, { childList: true, subtree: true, attributeFilter: ["class", "aria-selected"] });
    page.addEventListener("keydown", press);
    mend();
    return () => {
      watch.disconnect();
      page.removeEventListener("keydown", press);
    };
  }, [element]);
}

/** Its button for a new tab, other than its tabs, lets a subscription run on, into the new tab. Is to be inside of it. */
export function NewTabStops() {
  const { stop } = useGraphiQLActions();
  useEffect(() => {
    const listen = (event) => event.target.closest(".graphiql-tab-add") && stop();
    document.addEventListener("click", listen, true);
    return () => document.removeEventListener("click", listen, true);
  }, [stop]);
  return null;
}

/** Its dark theme writes comments in a green that is hard to read. */
export function useReadableComments() {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    monaco?.editor.defineTheme("graphiql-DARK", {
      base: "vs-dark",
      inherit: true,
      colors: {
        "editor.background": "#ffffff00",
        "scrollbar.shadow": "#ffffff00",
        "editorWidget.background": "#212a3b",
        "editorHoverWidget.background": "#212a3b",
        "editorSuggestWidget.background": "#212a3b",
        focusBorder: "#ff5794",
      },
      rules: [
        { token: "argument.identifier.gql", foreground: "#a9a4ff" },
        { token: "comment", foreground: "#8fbf7a" },
      ],
    });
  }, [monaco]);
}
