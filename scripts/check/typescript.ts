import { EXPECTED, IMPORTS_TS, PRINT, USE } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

const OTHERS = `
import * as pg from 'pg'
import { RedshiftPool } from 'pg-redshift-iam'
import { redisStore } from 'pg-redshift-iam/redis'
import { startRedshiftEmulator } from 'pg-redshift-iam/emulator'
import { RedshiftPgClient } from 'pg-redshift-iam'
export const config: pg.PoolConfig = { Client: RedshiftPgClient }
export const pool: pg.Pool = new RedshiftPool({ redshift: { store: undefined } })
export { redisStore, startRedshiftEmulator }
`

async function compile(setting: Setting, version: string): Promise<void> {
  const project = new Project(setting, `typescript-${version}`)
  const types = ['@types/node@20', '@types/pg']
  await project.install(`typescript@${version}`, 'pg', ...types)
  const isTwoInOne = (module: string) => module.startsWith('node')
  for (const [module, moduleResolution] of [
    ['commonjs', 'node10'],
    ['node16', 'node16'],
    ['node18', 'node16'],
    ['node20', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const files = isTwoInOne(module) ? ['use.cts', 'use.mts'] : ['use.ts']
    for (const file of files) {
      project.write(`${module}/${file}`, IMPORTS_TS + USE + PRINT)
      project.write(`${module}/others.${file.split('.')[1]}`, OTHERS)
    }
    project.write(`tsconfig.${module}.json`, {
      compilerOptions: {
        target: 'es2022',
        module,
        moduleResolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        types: ['node'],
        rootDir: module,
        outDir: `out/${module}`,
        ...(moduleResolution === 'node10' && version !== '5.9' && { ignoreDeprecations: '6.0' }),
      },
      include: [module],
    })
    await project.bin('typescript/bin/tsc', '-p', `tsconfig.${module}.json`)
    if (module === 'commonjs') expectOutput(await project.node('out/commonjs/use.js'), EXPECTED)
    if (module === 'node16')
      for (const file of ['use.cjs', 'use.mjs']) expectOutput(await project.node(`out/node16/${file}`), EXPECTED)
  }
}

export const typescript: readonly Row[] = ['5.9', '6.0'].map(version => ({
  name: `typescript-${version}`,
  run: setting => compile(setting, version),
}))
