// Builds the page where there is something to build it with: without development dependencies, and for whoever runs no scripts, it is
// built by `npm run build:ui` or not at all, and the server says so in its place. Nothing that fails here stops an installation.
import('vite')
  .then(({ build }) => build({ root: import.meta.dirname, logLevel: 'warn' }))
  .catch((error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND')
      process.stderr.write(`the web page was not built: ${error}\n`);
  });
