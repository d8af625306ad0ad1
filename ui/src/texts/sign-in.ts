/** The texts of signing in. */
export const signInTexts = {
  title: 'Sign in',
  tagline: 'Container registry and pull-through cache',
  username: 'User name',
  password: 'Password',
  action: 'Sign in',
  oidc: 'Sign in with single sign-on',
  or: 'or',
  ended: 'The session has ended. Sign in again to go on where you were.',
  wrong:
    'The user name or the password is wrong. An access token is none: those are for docker login and scripts.',
  firstTitle: 'First time here?',
  firstStart: 'The first start printed the password of root once, in the terminal or the log of the server:',
  firstLogs: 'docker logs entrepot',
  firstLost: 'Is it lost, or was there none? Root’s access token sets another:',
  firstReset: (url: string) => `curl --request PUT --header "PRIVATE-TOKEN: $TOKEN" --data password=… ${url}`,
  clients: 'Clients such as docker need no page:',
  login: (host: string) => `docker login ${host}`,
};
