/** The plain-data types that the parts of a model share. No tensors here. */

/** RoPE scaling of Llama 3.x ("rope_type": "llama3"). */
export interface Llama3RopeScaling {
  readonly type: "llama3";
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalMaximumPositions: number;
}

/** Positions divided by a factor ("rope_type": "linear"). */
export interface LinearRopeScaling {
  readonly type: "linear";
  readonly factor: number;
}

/** The shape of a Llama-family or Qwen2-family model; transformers' config.json, renamed and checked. */
export interface ModelConfig {
  readonly family: "llama" | "qwen2";
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly headDim: number;
  readonly vocabularySize: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: Llama3RopeScaling | LinearRopeScaling;
  /** True where the output head is the embedding matrix (tie_word_embeddings). */
  readonly tiedHead: boolean;
  /** Biases on q, k and v (Qwen2: true; Llama: attention_bias). */
  readonly queryKeyValueBias: boolean;
  readonly maximumPositions: number;
  readonly bosTokenId?: number;
  readonly eosTokenIds: readonly number[];
}

/** What a weight file says of one tensor. */
export interface TensorInfo {
  /** Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** The type in the file, e.g. `BF16` or `Q4_1`. */
  readonly dtype: string;
  /** Row-major, Hugging Face order: a linear layer's weight is [out, in]. */
  readonly shape: readonly number[];
}

/** An open weight file (or shards): tensors are read one at a time, as fp32. */
export interface WeightSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tensor's values as fp32, row-major. Throws UserError for an unknown name or a cut file. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Text to token ids and back. */
export interface Tokenizer {
  readonly vocabularySize: number;
  /** Token ids; special tokens written in the text are recognised. `addSpecial` adds BOS etc. as the tokenizer is configured. */
  encode(text: string, options?: { addSpecial?: boolean }): number[];
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
  idOf(token: string): number | undefined;
}

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}
