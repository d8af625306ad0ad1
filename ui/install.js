// Builds the page where there is something to build it with. Without development dependencies it is left as it is, and where there is none,
// the server says so in its place. Nothing that fails here stops an installation.
import('vite')
  .then(({ build }) => build({ root: import.meta.dirname, logLevel: 'warn' }))
  .catch((error) => {
    const reason =
      error?.code === 'ERR_MODULE_NOT_FOUND' ? 'development dependencies are not installed' : error;
    process.stderr.write(`the web page was not built: ${reason}\n`);
  });
