# The image runs the sources as they are; only the dependencies are made in a stage of their own.
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY bin bin
RUN npm ci --omit=dev --ignore-scripts && node bin/install.js && npm cache clean --force

# The web page, which takes development dependencies to build and none to serve.
FROM node:26-bookworm-slim AS page
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY ui ui
RUN npm run build:ui

FROM node:26-bookworm-slim
ENV NODE_ENV=production \
    ENTREPOT_DATA_DIRECTORY=/data \
    ENTREPOT_HTTP__ADDRESS=0.0.0.0:5000 \
    ENTREPOT_OPERATIONS__ADDRESS=0.0.0.0:5001
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY config config
COPY src src
COPY --from=page /app/ui/dist ui/dist
# Compiles the sources into node_modules/.cache once, so that every start has them.
RUN node bin/entrepot.js version
# Group 0 is for platforms that choose a user; by number, since Kubernetes' runAsNonRoot knows no names.
RUN install --directory --owner=node --group=root --mode=0770 /data /blobs
USER 1000
VOLUME /data
EXPOSE 5000 5001
# The port of operations.address; another one needs another check.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:5001/-/liveness').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "bin/entrepot.js"]
CMD ["serve"]
