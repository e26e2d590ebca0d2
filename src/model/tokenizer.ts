/** Text to token ids and back, from tokenizer.json or from a GGUF's own vocabulary; how is in tokenization/. */
export {
  type GgufTokenizer,
  tokenizerFilesFromGguf,
  tokenizerFromGguf,
} from "./tokenization/from-gguf";
export { tokenizerFromJson } from "./tokenization/from-json";
