#!/usr/bin/env node
import { normalizeArgv } from './command-line.js'
import { adoptAwsCliVariables } from './login/profile.js'
import { createProgram, run } from './program.js'
import { debugError } from './terminal/debug.js'
import { EXIT_CODES } from './terminal/exit-codes.js'
import { codeOf, exitCodeFor, messageOf, sectionFor } from './terminal/failure.js'
import { wrap } from './terminal/wrap.js'

// With the environment as it is now, for what it starts.
const program = createProgram({ ...process.env })
const argv = normalizeArgv(process.argv.slice(2), program)
const OUTPUTS = [process.stdout, process.stderr]

/** Says what went wrong, and never with a stack, unless that is asked for. */
function fail(error: unknown): void {
  const section = sectionFor(error)
  process.stderr.write(`${wrap(`pg-redshift-iam: ${messageOf(error)}`, '')}\n`)
  if (section) process.stderr.write(`More: ${section}\n`)
  debugError(error)
  const code = exitCodeFor(error)
  // As `env` does: another code would be taken for the command's.
  const runsCommand = argv[0] === 'exec' || argv[0] === 'emulate'
  process.exitCode = runsCommand && code !== EXIT_CODES.usage ? EXIT_CODES.notRun : code
}

/** Ends the process when all that was printed is out: a provider of AWS credentials that hangs would keep it alive. */
async function end(): Promise<void> {
  await Promise.all(OUTPUTS.map(output => new Promise(resolve => output.write('', resolve))))
  process.exit()
}

// A reader that goes away, as `head` does, is no error.
for (const output of OUTPUTS)
  output.on('error', error => {
    if (codeOf(error) !== 'EPIPE') throw error
  })
process.on('uncaughtException', error => {
  fail(error)
  process.exit()
})
// Before the SDK is loaded: its warning about old versions of Node is not for this output.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
adoptAwsCliVariables(process.env)
run(program, argv).catch(fail).finally(end)
