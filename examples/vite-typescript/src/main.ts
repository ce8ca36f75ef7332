import { pipeline, type TranslationPipeline } from 'webgpu-transformer';

const form = document.querySelector('form')!;
const languages = document.querySelector('select')!;
const button = document.querySelector('button')!;
const progress = document.querySelector('progress')!;
const output = document.querySelector('output')!;
const problem = document.querySelector('[role=alert]')!;

try {
  // Kept as long as the page, whose end gives its memory back.
  const translate = await pipeline('translation', 'models/phrases', {
    onProgress({ overall }) {
      progress.max = overall.total;
      progress.value = overall.loaded;
    },
  });
  languages.append(...translate.languages.map((language) => new Option(language)));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void show(translate);
  });
  button.disabled = false;
} catch (error) {
  tell(error);
} finally {
  progress.remove();
}

/** Writes the translation as it comes. */
async function show(translate: TranslationPipeline): Promise<void> {
  button.disabled = true;
  output.textContent = problem.textContent = '';
  try {
    const phrase = String(new FormData(form).get('phrase'));
    for await (const piece of translate.stream(phrase, { to: languages.value })) {
      output.append(piece);
    }
  } catch (error) {
    tell(error);
  } finally {
    button.disabled = false;
  }
}

/** What the library throws says what to do, as where a browser has no WebGPU. */
function tell(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
}
