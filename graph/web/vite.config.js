import { defineConfig } from "vite";

// Everything is served by the server itself: no address of another host may come out of this.
export default defineConfig({
  base: "/graphiql/",
  logLevel: "warn",
  build: {
    outDir: "../static/graphiql",
    emptyOutDir: true,
    // Monaco's workers and the editor are megabytes whatever we do; they come from the same machine.
    chunkSizeWarningLimit: 8_000,
    modulePreload: { polyfill: false },
    // Libraries say "use client" for frameworks that render on a server.
    rolldownOptions: { onLog: (level, log, next) => log.code === "MODULE_LEVEL_DIRECTIVE" || next(level, log) },
  },
});
