from framedream.cli.main import main

main()
