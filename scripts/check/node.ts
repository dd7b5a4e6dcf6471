import { EXPECTED, IMPORTS, PRINT, REQUIRES, SAME, SAME_EXPECTED, USE_JS } from './program.js'
import { expectOutput, Project, type Row } from './project.js'

export const node: readonly Row[] = [
  {
    name: 'node',
    async run(setting) {
      const project = new Project(setting, 'node')
      await project.install('pg')
      project.write('use.mjs', IMPORTS + USE_JS + PRINT)
      project.write('use.cjs', REQUIRES + USE_JS + PRINT)
      project.write('same.mjs', SAME)
      expectOutput(await project.node('--throw-deprecation', 'use.mjs'), EXPECTED)
      expectOutput(await project.node('--throw-deprecation', 'use.cjs'), EXPECTED)
      expectOutput(await project.node('same.mjs'), SAME_EXPECTED)
    },
  },
]
