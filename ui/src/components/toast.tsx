/** Says what was done, where screen readers listen, and goes by itself. */
import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useState } from 'preact/hooks';

const shownMs = 6000;

export type Tell = (sentence: string) => void;

const ToastContext = createContext<Tell>(() => undefined);

export function useToast(): Tell {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { readonly children: ComponentChildren }) {
  const [sentences, setSentences] = useState<readonly { readonly id: number; readonly sentence: string }[]>(
    [],
  );
  const tell = useCallback((sentence: string) => {
    const id = Math.random();
    setSentences((last) => [...last, { id, sentence }]);
    setTimeout(() => setSentences((last) => last.filter((each) => each.id !== id)), shownMs);
  }, []);
  return (
    <ToastContext.Provider value={tell}>
      {children}
      <div class="toasts" role="status" aria-live="polite">
        {sentences.map(({ id, sentence }) => (
          <p key={id} class="toast">
            {sentence}
          </p>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
