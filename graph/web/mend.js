// What GraphiQL leaves wanting for people who read by ear or need contrast.

import { useMonaco } from "@graphiql/react";
import { useEffect } from "react";

/**
 * Its tabs are buttons inside of elements that call themselves tabs, which assistive technology cannot enter:
 * they become what they are, a list of buttons, one of them current.
 */
export function usePlainTabs(element) {
  useEffect(() => {
    const mend = () => {
      for (const tab of element.current.querySelectorAll(".graphiql-tab")) {
        tab.parentElement.removeAttribute("role");
        tab.removeAttribute("role");
        tab.removeAttribute("aria-selected");
        tab.querySelector(".graphiql-tab-button")?.setAttribute("aria-current", tab.matches(".graphiql-tab-active"));
      }
    };
    const watch = new MutationObserver(mend);
    watch.observe(element.current, { childList: true, subtree: true, attributeFilter: ["class", "aria-selected"] });
    mend();
    return () => watch.disconnect();
  }, [element]);
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
