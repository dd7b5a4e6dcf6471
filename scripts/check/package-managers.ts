import { join } from 'node:path'
import { EXPECTED, writePrograms } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

/** Installs a package manager outside the project that uses it. */
async function tool(setting: Setting, name: string): Promise<string> {
  const project = new Project(setting, `tool-${name.replace(/\W/g, '-')}`)
  await project.run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', name])
  return join(project.folder, 'node_modules', name)
}

export const packageManagers: readonly Row[] = [
  {
    name: 'pnpm',
    async run(setting) {
      const pnpm = join(await tool(setting, 'pnpm'), 'bin/pnpm.mjs')
      const project = new Project(setting, 'pnpm')
      await project.node(
        pnpm,
        'add',
        '--ignore-scripts',
        '--store-dir',
        join(setting.folder, 'pnpm-store'),
        setting.tarball,
        'pg',
      )
      for (const file of writePrograms(project)) expectOutput(await project.node(file), EXPECTED)
    },
  },
  {
    name: 'yarn-pnp',
    async run(setting) {
      const yarn = join(await tool(setting, '@yarnpkg/cli-dist'), 'bin/yarn.js')
      const project = new Project(setting, 'yarn-pnp')
      const registry = (await project.run('npm', ['config', 'get', 'registry'])).trim()
      const env = {
        YARN_NPM_REGISTRY_SERVER: registry,
        YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
        YARN_ENABLE_GLOBAL_CACHE: 'false',
        YARN_ENABLE_TELEMETRY: 'false',
        YARN_NODE_LINKER: 'pnp',
      }
      project.write('yarn.lock', '')
      const dependencies = { 'pg-redshift-iam': `file:${setting.tarball}`, pg: '*' }
      project.write('package.json', { name: 'yarn-pnp', private: true, dependencies })
      await project.run(process.execPath, [yarn, 'install', '--no-immutable'], env)
      for (const file of writePrograms(project))
        expectOutput(await project.run(process.execPath, [yarn, 'node', file], env), EXPECTED)
    },
  },
]
