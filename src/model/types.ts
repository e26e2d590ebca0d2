/** The plain-data types that the parts of a model share. No tensors here. */

/** RoPE scaling of Llama 3.x ("rope_type": "llama3"). */
export interface Llama3RopeScaling {
  /** Which scaling this is. */
  readonly type: "llama3";
  /** By which low frequencies are divided. */
  readonly factor: number;
  /** Wavelengths longer than the original positions divided by this are stretched in full. */
  readonly lowFrequencyFactor: number;
  /** Wavelengths shorter than the original positions divided by this stay. */
  readonly highFrequencyFactor: number;
  /** Longest sequence that was pretrained on, in tokens. */
  readonly originalMaximumPositions: number;
}

/** Positions divided by a factor ("rope_type": "linear"). */
export interface LinearRopeScaling {
  /** Which scaling this is. */
  readonly type: "linear";
  /** By which positions are divided. */
  readonly factor: number;
}

/** The shape of a Llama-family or Qwen2-family model; transformers' config.json, renamed and checked. */
export interface ModelConfig {
  /** The architecture. */
  readonly family: "llama" | "qwen2";
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  /** Width inside the feed-forward block. */
  readonly intermediateSize: number;
  /** Number of blocks. */
  readonly layerCount: number;
  /** Attention heads of the queries. */
  readonly headCount: number;
  /** Attention heads of keys and values; fewer than `headCount` in grouped-query attention. */
  readonly keyValueHeadCount: number;
  /** Width of a head. */
  readonly headDim: number;
  /** Number of tokens. */
  readonly vocabularySize: number;
  /** Added to the mean square in RMSNorm. */
  readonly rmsNormEpsilon: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
  /** How long contexts stretch them, where they do. */
  readonly ropeScaling?: Llama3RopeScaling | LinearRopeScaling;
  /** True where the output head is the embedding matrix (tie_word_embeddings). */
  readonly tiedHead: boolean;
  /** Biases on q, k and v (Qwen2: true; Llama: attention_bias). */
  readonly queryKeyValueBias: boolean;
  /** Longest sequence, in tokens. */
  readonly maximumPositions: number;
  /** Id of the token that begins a text, where there is one. */
  readonly bosTokenId?: number;
  /** Ids of the tokens that end an answer. */
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
  /** Number of tokens, special ones included. */
  readonly vocabularySize: number;
  /** Token ids; special tokens written in the text are recognised. `addSpecial` adds BOS etc. as the tokenizer is configured. */
  encode(text: string, options?: { addSpecial?: boolean }): number[];
  /** The text of token ids; `skipSpecial` leaves special tokens out. */
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
  /** The id of one token as the vocabulary writes it; undefined where it has none such. */
  idOf(token: string): number | undefined;
}

/** One turn of a conversation. */
export interface ChatMessage {
  /** Who speaks. */
  readonly role: "system" | "user" | "assistant";
  /** What is said. */
  readonly content: string;
}
