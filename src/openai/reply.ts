/** The answer in a chat completion, whatever form the server gives it, or in words why there is none. */
import { z } from "zod";
import { RetryableError } from "./retry";
import { withoutThoughts } from "./thoughts";

/** What a model answered. */
export interface ChatReply {
  /** Its answer, without thoughts; "" where there is a problem. */
  readonly text: string;
  /** Whether the limit on tokens cut it off. */
  readonly cut: boolean;
  /** Why there is no answer to use, as words after "the reply": of its own kind, never an empty answer. */
  readonly problem?: string;
}

/** Tokens as the endpoint counted them; those of thoughts are among the output's. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const text = z.string().nullish().catch(undefined);
const messageSchema = z.object({
  content: z.unknown().optional(),
  refusal: text,
  tool_calls: z.array(z.unknown()).nullish().catch(undefined),
  // Thoughts, where the server parts them from the answer.
  reasoning_content: text,
  reasoning: text,
  thinking: text,
});
type Message = z.output<typeof messageSchema>;
const replySchema = z.object({
  choices: z
    .array(
      z.object({
        message: messageSchema,
        finish_reason: text,
        // OpenRouter's, where the model's own endpoint broke off.
        error: z.object({ message: z.string() }).nullish().catch(undefined),
      }),
    )
    .min(1),
});
// Nothing is asked with no tokens and answered with none: who counts so does not count.
const tokens = z.number().positive();
const usageSchema = z.object({
  usage: z.object({
    prompt_tokens: tokens,
    completion_tokens: tokens,
    total_tokens: tokens.nullish().catch(undefined),
  }),
});

/** What a chat completion holds. Throws RetryableError for what is none. */
export function readReply(json: object, maxTokens: number): { reply: ChatReply; usage?: Usage } {
  const read = replySchema.safeParse(json);
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    throw new RetryableError(`the reply is no chat completion: ${path.join(".")}: ${message}`);
  }
  const [{ message, finish_reason: end, error }] = read.data.choices;
  if (error) throw new RetryableError(`the reply broke off: ${error.message.slice(0, 200)}`);
  const usage = usageOf(json);
  return { reply: answerOf(message, end ?? "", maxTokens), ...(usage ? { usage } : {}) };
}

/** Undefined where the count is missing or not whole. */
function usageOf(json: object): Usage | undefined {
  const read = usageSchema.safeParse(json);
  if (!read.success) return undefined;
  const { prompt_tokens: input, completion_tokens: output, total_tokens: all } = read.data.usage;
  // Some count thoughts in the total only.
  return { inputTokens: input, outputTokens: Math.max(output, (all ?? 0) - input) };
}

function answerOf(message: Message, end: string, maxTokens: number): ChatReply {
  const parts = partsOf(message.content);
  const answer = withoutThoughts(parts.map(({ text: said }) => said ?? "").join(""));
  const apart = [message.reasoning_content, message.reasoning, message.thinking];
  const thought = answer.thought || apart.some(Boolean) || parts.some(isThought);
  // "length" is OpenAI's; others say max_tokens or model_length.
  const cut = /length|max_?tokens/i.test(end);
  const problem = (): string | undefined => {
    if (/content_?filter/i.test(end)) return "was withheld by the endpoint's content filter";
    if (answer.text.trim() !== "") return undefined;
    if (cut)
      return `was cut at ${maxTokens} tokens ${thought ? "while it was thinking" : "before it said anything"}`;
    const refusal = message.refusal ?? parts.find((part) => part.refusal)?.refusal;
    if (refusal) return `is a refusal: ${refusal.replace(/\s+/g, " ").slice(0, 200)}`;
    if (answer.problem !== undefined) return answer.problem;
    if (message.tool_calls?.length) return "calls a tool instead of answering";
    if (thought) return "is a thought without an answer";
    const others = parts.filter((part) => part.text === undefined).map(({ type }) => type);
    return others.length > 0 ? `has no text, but ${others.join(", ")}` : "is empty";
  };
  const found = problem();
  return found === undefined ? { text: answer.text, cut } : { text: "", cut, problem: found };
}

const partSchema = z.object({ type: z.string(), text, refusal: text });
/** A part of a content; its `text` is undefined where that is no answer's. */
type Part = z.output<typeof partSchema>;

/** A content is a text or a list of parts; some servers' parts are bare texts. */
function partsOf(content: unknown): Part[] {
  const list: unknown[] = Array.isArray(content) ? content : [content ?? ""];
  return list.map((part) => {
    if (typeof part === "string") return { type: "text", text: part };
    const read = partSchema.safeParse(part);
    if (!read.success) return { type: "parts of an unknown form" };
    return /^(?:output_)?text$/.test(read.data.type)
      ? read.data
      : { ...read.data, text: undefined };
  });
}

function isThought({ type }: Part): boolean {
  return /think|reason/i.test(type);
}
