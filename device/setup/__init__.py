"""Setting a house up and looking into it: the wizard, the doctor, and what a bug report needs. For commands only.

It stands above the house, as the simulation does: it opens the same rooms, one at a time, and looks at each.
"""
