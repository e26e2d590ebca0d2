/** Chat templates: right text, and hostile ones stopped in time and memory. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { renderChat } from "../../src/model/chat";
import type { ChatMessage } from "../../src/model/types";

const test = suite("chat");
const messages: ChatMessage[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Who built the lighthouse?" },
];
const options = { addGenerationPrompt: true, bosToken: "<s>", eosToken: "</s>" };

function refusal(template: string): string {
  try {
    renderChat(template, messages, options);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error("the template was rendered");
}

test("renders turns, the generation prompt and the special tokens", () => {
  const template =
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}{{ eos_token }}";
  assert.is(
    renderChat(template, messages, options),
    "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWho built the lighthouse?<|im_end|>\n<|im_start|>assistant\n</s>",
  );
  const without = renderChat(template, messages.slice(1), { addGenerationPrompt: false });
  assert.is(without, "<|im_start|>user\nWho built the lighthouse?<|im_end|>\n");
});

test("namespaces, macros, range, filters, methods and block trimming work as in Jinja", () => {
  const template = [
    "{%- macro turn(m, mark='*') %}{{ mark ~ m.role | upper ~ mark }}: {{ m.content | trim }}{% endmacro -%}",
    "{%- set ns = namespace(seen=0) -%}",
    "{% for message in messages %}",
    "    {% set ns.seen = ns.seen + 1 %}",
    "{{ turn(message, mark='_') }}",
    "{% endfor %}",
    "{{ ns.seen }} {{ range(1, 7, 2) | join('-') }} {{ range(3, 0, -1) | list | length }}",
    "{{ messages[0].content.replace('e', 'ee').split(' ') | join('/') }} {{ {'a': [1, true, none]} | tojson }}",
  ].join("\n");
  assert.is(
    renderChat(template, messages, options),
    '_SYSTEM_: Be brief.\n_USER_: Who built the lighthouse?\n2 1-3-5 3\nBee/brieef. {"a": [1, true, null]}',
  );
});

test("what the template refuses is the user's error", () => {
  assert.is(
    refusal("{{ raise_exception('Only user turns, please') }}"),
    "Chat template: Only user turns, please",
  );
  assert.match(refusal("{% for m in messages %}"), /^Chat template: /);
  assert.match(refusal("{{ messages | nosuchfilter }}"), /nosuchfilter/);
  assert.match(refusal("x".repeat(300_000)), /300000 characters; at most 262144/);
});

test("is told what transformers tells: no tools and documents, and only the tokens that there are", () => {
  const template =
    "{{ tools is none }}{{ documents is none }}{{ bos_token is defined }}{{ pad_token }}\r\n{% if true %}\r\nx{% endif %}";
  assert.is(
    renderChat(template, messages, {
      addGenerationPrompt: true,
      specialTokens: { pad_token: "P" },
    }),
    "TrueTrueFalseP\nx",
  );
  assert.match(
    refusal("{{ bos_token + pad_token }}"),
    /^Chat template: line 1: pad_token is undefined\.$/,
  );
});

test("errors name the line, and what was asked of what", () => {
  assert.is(
    refusal("a\n{% if true %}\n{{ messages[0].content.shout() }}{% endif %}"),
    "Chat template: line 3: messages[0].content.shout is undefined: a str has no attribute 'shout'.",
  );
  assert.is(
    refusal("{{ messages[0].content.encode() }}"),
    "Chat template: line 1: str.encode is not supported here.",
  );
  assert.is(refusal("{{ sing(1) }}"), "Chat template: line 1: sing is undefined.");
});

test("the date is today's, or that of SEAL_TODAY", () => {
  const template = "{{ strftime_now('%d %b %Y, %A %j') }}";
  const before = process.env.SEAL_TODAY;
  try {
    process.env.SEAL_TODAY = "2024-07-05";
    assert.is(renderChat(template, messages, options), "05 Jul 2024, Friday 187");
    process.env.SEAL_TODAY = "yesterday";
    assert.is(refusal(template), 'SEAL_TODAY is "yesterday"; a date is written YYYY-MM-DD.');
    delete process.env.SEAL_TODAY;
    const year = String(new Date().getFullYear());
    assert.is(renderChat("{{ strftime_now('%Y') }}", messages, options), year);
  } finally {
    if (before === undefined) delete process.env.SEAL_TODAY;
    else process.env.SEAL_TODAY = before;
  }
});

test("the host cannot be reached", () => {
  for (const path of [
    "messages.constructor.constructor('return 1')()",
    "range.constructor('return process')()",
    "messages['__proto__'].toString()",
    "process.exit(1)",
    "globalThis.process.pid()",
  ])
    refusal(`{{ ${path} }}`);
});

const doubling = "{% for i in range(40) %}{% set ns.s = DOUBLE %}{% endfor %}{{ ns.s }}";
const hostile: Record<string, string> = {
  "a huge range": "{% for i in range(10 ** 9) %}{% endfor %}",
  "an endless range": "{{ range(0, 1, 0) | length }}{{ range(0, 1 / 0) | length }}",
  "nested loops":
    "{% for a in range(20000) %}{% for b in range(20000) %}{% for c in range(20000) %}{% endfor %}{% endfor %}{% endfor %}",
  recursion: "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
  "branching recursion":
    "{% macro f(n) %}{% if n < 40 %}{{ f(n + 1) }}{{ f(n + 1) }}{% endif %}{% endmacro %}{{ f(0) }}",
  "doubling by ~": "{% set ns = namespace(s='aaaa') %}" + doubling.replace("DOUBLE", "ns.s ~ ns.s"),
  "doubling by replace":
    "{% set ns = namespace(s='aaaa') %}" + doubling.replace("DOUBLE", "ns.s.replace('a', 'aa')"),
  "squaring by replace":
    "{% set ns = namespace(s='aaaa') %}" + doubling.replace("DOUBLE", "ns.s | replace('a', ns.s)"),
  "a method kept aside":
    "{% set ns = namespace(s='aaaa') %}{% for i in range(9) %}{% set f = ns.s.replace %}{% set ns.s = f('a', ns.s) %}{% endfor %}",
  "doubling a list":
    "{% set ns = namespace(s=[1, 2]) %}" + doubling.replace("DOUBLE", "ns.s + ns.s"),
  "a tree of lists": "{% set ns = namespace(s=[1]) %}" + doubling.replace("DOUBLE", "[ns.s, ns.s]"),
  "a tree of mappings":
    "{% set ns = namespace(s={'a': 1}) %}" + doubling.replace("DOUBLE", "{'a': ns.s, 'b': ns.s}"),
  "a tree of namespaces":
    "{% set ns = namespace(s=namespace()) %}" +
    doubling.replace("DOUBLE", "namespace(a=ns.s, b=ns.s)"),
  "a wide indent": "{{ 'a\\nb' | indent(400000000) }}",
  "a wide tojson": "{{ [1, 2] | tojson(indent=400000000) }}",
  "a long separator":
    "{% set ns = namespace(s=messages[0].content) %}{% for i in range(14) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ range(20000) | join(ns.s) }}",
  "blocks set from blocks":
    "{% set x = 'abcdefgh' %}" + "{% set x %}{{ x }}{{ x }}{{ x }}{{ x }}{% endset %}".repeat(40),
  "a filter block": "{% filter indent(400000000) %}a\nb{% endfilter %}",
  "deep nesting": `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`,
  "deep lists": `{{ ${"[".repeat(20_000)}1${"]".repeat(20_000)} }}`,
  "deep blocks": "{% if true %}".repeat(2500) + "{% endif %}".repeat(2500),
};
for (const [name, template] of Object.entries(hostile))
  test(`stops ${name}`, () => {
    const before = process.memoryUsage().rss;
    const start = performance.now();
    assert.match(refusal(template), /^Chat template: .{10,200}$/);
    assert.ok(performance.now() - start < 6_000, "took too long");
    assert.ok(process.memoryUsage().rss - before < 300_000_000, "took too much memory");
  });

test.run();
