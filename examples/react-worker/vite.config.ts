import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // Workers of several modules, as those of pages.
  worker: { format: 'es' },
});
