import { defineConfig } from "vite";

// The scripts go into the package, so that a wheel carries them. Nothing of them is kept in git.
export default defineConfig({
  build: {
    outDir: "../src/vedette_console/web/static/built",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: "src/islands.ts",
      output: {
        entryFileNames: "islands.js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
});
