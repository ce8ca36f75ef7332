// The tasks on images and sound: of which code each is made, and which checkpoints fit it.

import { generating, type Kind, task } from './task-definition.ts';
import type { Definitions, MediaTasks } from './task-table.ts';

const sounds: Kind<'featureExtractor'> = { takes: 'sound', needs: ['featureExtractor'] };
const images: Kind<'imageProcessor'> = { takes: 'image', needs: ['imageProcessor'] };
const textsAndImages: Kind<'imageProcessor' | 'tokenizer'> = {
  takes: 'image',
  needs: ['imageProcessor', 'tokenizer'],
};

const speech: Kind<'featureExtractor' | 'tokenizer'> = {
  takes: 'sound',
  needs: ['featureExtractor', 'tokenizer'],
};

export const mediaTasks: Definitions<keyof MediaTasks> = {
  'audio-classification': task(
    sounds,
    () => import('./sound/audio-classification.ts'),
    ({ audioClassification }) => audioClassification,
    ['ForAudioClassification', 'ForSequenceClassification'],
  ),
  'automatic-speech-recognition': task(
    speech,
    () => generating(import('./sound/automatic-speech-recognition.ts')),
    ({ automaticSpeechRecognition }, ...from) => automaticSpeechRecognition(...from),
    ['ForConditionalGeneration', 'ForCTC'],
  ),
  'image-classification': task(
    images,
    () => import('./image/image-classification.ts'),
    ({ imageClassification }) => imageClassification,
    ['ForImageClassification', 'ForImageClassificationWithTeacher'],
  ),
  'image-feature-extraction': task(
    images,
    () => import('./image/image-feature-extraction.ts'),
    ({ imageFeatureExtraction }) => imageFeatureExtraction,
  ),
  'image-to-text': task(
    textsAndImages,
    () => generating(import('./image/image-to-text.ts')),
    ({ imageToText }) => imageToText,
    ['BlipForConditionalGeneration', 'VisionEncoderDecoderModel'],
  ),
  'object-detection': task(
    images,
    () => import('./image/object-detection.ts'),
    ({ objectDetection }) => objectDetection,
    ['ForObjectDetection'],
  ),
  'unconditional-image-generation': task(
    { takes: 'colours', needs: ['imageProcessor'] },
    () => generating(import('./image/unconditional-image-generation.ts')),
    ({ unconditionalImageGeneration }) => unconditionalImageGeneration,
    ['ForCausalImageModeling'],
  ),
  'zero-shot-image-classification': task(
    textsAndImages,
    () => import('./image/zero-shot-image-classification.ts'),
    ({ zeroShotImageClassification }) => zeroShotImageClassification,
    ['CLIPModel', 'SiglipModel'],
  ),
};
