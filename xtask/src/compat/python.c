/* Starts the interpreter that is in Debian's libpython. Its packages can be installed for several
   architectures side by side, those of the `python3` command cannot. */
int Py_BytesMain(int, char **);

int main(int count, char **words) { return Py_BytesMain(count, words); }
