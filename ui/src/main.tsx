import { render } from 'preact';
import { App } from './app.tsx';
import { PlaceProvider } from './router/use-place.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/components.css';
import './styles/table.css';
import './styles/pages.css';
import './styles/plot.css';
import './styles/registries.css';
import { applyTheme, readTheme } from './theme.ts';

applyTheme(readTheme());
const root = document.getElementById('page');
if (root) {
  render(
    <PlaceProvider>
      <App base={document.baseURI} />
    </PlaceProvider>,
    root,
  );
}
