import { Translator } from './translator';

export default function Page() {
  return <Translator />;
}
