#!/usr/bin/env node
import { normalizeArgv } from './command-line.js'
import { adoptAwsCliVariables } from './login/profile.js'
import { createProgram, run } from './program.js'
import { debugError } from './terminal/debug.js'
import { EXIT_CODES } from './terminal/exit-codes.js'
import { codeOf, exitCodeFor, messageOf, sectionFor } from './terminal/failure.js'
import { wrap } from './terminal/wrap.js'

// A copy of the environment, because `exec` and `emulate` pass it on as it was.
const program = createProgram({ ...process.env })
const argv = normalizeArgv(process.argv.slice(2), program)
const OUTPUTS = [process.stdout, process.stderr]

/** Prints the message and the section of an error, and its stack with `--debug` only. */
function report(error: unknown): void {
  const section = sectionFor(error)
  process.stderr.write(`${wrap(`pg-redshift-iam: ${messageOf(error)}`, '')}\n`)
  if (section) process.stderr.write(`More: ${section}\n`)
  debugError(error)
  const code = exitCodeFor(error)
  // As `env` does, so that the code is not mistaken for the command's.
  const runsCommand = argv[0] === 'exec' || argv[0] === 'emulate'
  process.exitCode = runsCommand && code !== EXIT_CODES.usage ? EXIT_CODES.notRun : code
}

/** Exits after all output is written. A provider of AWS credentials that hangs would keep the process alive. */
async function exit(): Promise<void> {
  await Promise.all(OUTPUTS.map(output => new Promise(resolve => output.write('', resolve))))
  process.exit()
}

// A reader may close the pipe, as `head` does.
for (const output of OUTPUTS)
  output.on('error', error => {
    if (codeOf(error) !== 'EPIPE') throw error
  })
process.on('uncaughtException', error => {
  report(error)
  process.exit()
})
// Set before the SDK is loaded, which would print a warning about old versions of Node.js.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
adoptAwsCliVariables(process.env)
run(program, argv).catch(report).finally(exit)
