import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../entries.js'
import { REQUIRES } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const CLIENTS = ['@aws-sdk/client-redshift', '@aws-sdk/client-redshift-serverless']
const oldest: string = dependencies[CLIENTS[0] ?? ''].replace('^', '')

/** A login by each operation, and a failure, whose code and secrecy are checked. Old releases do not read the endpoint from the environment. */
const PROGRAM = `
const { inspect } = require('node:util')
const { AWS_ENDPOINT_URL_REDSHIFT: endpoint, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
const aws = { endpoint }
async function main() {
  for (const redshift of [
    { clusterIdentifier: 'examplecluster', dbUser: 'alice', aws },
    { clusterIdentifier: 'examplecluster', aws },
    { workgroupName: 'analytics', aws },
  ]) {
    const pool = new RedshiftPool({ redshift })
    console.log((await pool.query('select current_user as name')).rows[0].name)
    await pool.end()
  }
  const credentials = new RedshiftCredentials({ clusterIdentifier: 'nowhere', database: 'dev', aws })
  const error = await credentials.get().catch(error => error)
  const shown = inspect(error, { depth: 9, showHidden: true }) + inspect(credentials, { depth: 9, showHidden: true })
  const token = new RedshiftCredentials({ clusterIdentifier: 'examplecluster', database: 'dev', api: 'GetIdentityCenterAuthToken', aws })
  const tokenError = await token.getToken().catch(error => error)
  console.log(tokenError.message?.includes('@aws-sdk/client-redshift') ? 'without-tokens' : 'with-tokens')
  console.log(error.code, [AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN].some(secret => shown.includes(secret)))
}
main()
`

async function use(setting: Setting, name: string, version: string, hasTokens: boolean): Promise<string> {
  const project = new Project(setting, name)
  const bundlers = ['esbuild', 'webpack', 'webpack-cli', 'rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-json']
  await project.install('pg', ...bundlers, ...CLIENTS.map(client => `${client}@${version}`))
  project.write('use.cjs', REQUIRES + PROGRAM)
  const printed = (await project.node('use.cjs')).trim().split('\n').join(' ')
  expectOutput(
    printed,
    `alice IAMR:analyst IAMR:analyst ${hasTokens ? 'with-tokens' : 'without-tokens'} ERR_REDSHIFT_NOT_FOUND false`,
  )
  if (hasTokens) await bundle(project)
  // A nested copy below the package would be a different release from the one under test.
  return (await project.run('npm', ['ls', ...CLIENTS, '--parseable', '--long']))
    .split('\n')
    .flatMap(line => /client-redshift(?:-serverless)?@[\d.]+/.exec(line) ?? [])
    .join(', ')
}

/** Not the oldest release, because bundlers refuse to import a name that the SDK lacks. */
async function bundle(project: Project): Promise<void> {
  project.write('bundle.mjs', "export { RedshiftPool } from 'pg-redshift-iam'\n")
  const flags = [
    '--bundle',
    '--platform=node',
    '--main-fields=module,main',
    '--external:pg-native',
    '--log-level=error',
  ]
  await project.bin('esbuild/bin/esbuild', 'bundle.mjs', '--outfile=esbuild.cjs', ...flags)
  project.write(
    'rollup.config.mjs',
    `import resolve from '@rollup/plugin-node-resolve'
    import json from '@rollup/plugin-json'
    const external = id => !/pg-redshift-iam|@aws-sdk.client-redshift|^\\.|^\\/|bundle/.test(id)
    export default { input: 'bundle.mjs', external, plugins: [resolve(), json()], output: { dir: 'rollup' } }`,
  )
  await project.bin('rollup/dist/bin/rollup', '--silent', '-c')
  project.write(
    'webpack.config.cjs',
    `module.exports = { mode: 'none', target: 'node', entry: './bundle.mjs', externals: { 'pg-native': 'commonjs pg-native' } }`,
  )
  await project.bin('webpack-cli/bin/cli.js')
}

export const sdk: readonly Row[] = [
  { name: 'sdk-oldest', run: setting => use(setting, 'sdk-oldest', oldest, false) },
  { name: 'sdk-newest', run: setting => use(setting, 'sdk-newest', 'latest', true) },
]
