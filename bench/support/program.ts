import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Runs one of bench/programs in a new process, without tsx, and parses the JSON that it prints. */
export async function runProgram<T>(
  file: string,
  args: readonly string[] = [],
  { nodeOptions = [], env = {} }: { nodeOptions?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<T> {
  const path = fileURLToPath(new URL(`../programs/${file}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeOptions, path, ...args], {
    env: { PATH: process.env.PATH, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
    timeout: 120_000,
  })
  return JSON.parse(stdout) as T
}
