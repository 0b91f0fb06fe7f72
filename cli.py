from framedream.cli import main

main()
